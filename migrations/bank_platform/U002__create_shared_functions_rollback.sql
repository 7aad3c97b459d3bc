DROP TABLE audit.idempotency_keys;
DROP FUNCTION audit.fn_immutable_row();
