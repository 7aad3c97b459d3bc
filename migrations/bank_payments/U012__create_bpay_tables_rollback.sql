DROP TABLE payments.bpay_payments;
