DROP TABLE payments.payment_events;
