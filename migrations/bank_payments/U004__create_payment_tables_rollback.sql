DROP TABLE payments.account_status_cache;
DROP TABLE payments.idempotency_keys;
DROP TABLE payments.payments;
