DROP TABLE aml.idempotency_keys;
DROP FUNCTION aml.fn_immutable_row();
