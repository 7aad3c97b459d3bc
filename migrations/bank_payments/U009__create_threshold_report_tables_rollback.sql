DROP TABLE payments.idempotency_records;
DROP TABLE payments.ifti_cmir_queue;
