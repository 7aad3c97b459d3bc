DROP TABLE credit.idempotency_keys;
