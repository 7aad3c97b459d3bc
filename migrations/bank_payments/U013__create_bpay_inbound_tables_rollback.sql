DROP TABLE payments.bpay_inbound_payments;
DROP TABLE payments.bpay_billers;
