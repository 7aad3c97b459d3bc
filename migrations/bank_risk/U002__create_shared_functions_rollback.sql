DROP TABLE risk.idempotency_keys;
DROP FUNCTION risk.fn_immutable_row();
