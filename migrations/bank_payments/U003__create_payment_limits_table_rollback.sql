DROP TABLE payments.payment_limits;
