DROP TABLE core.idempotency_keys;
DROP FUNCTION core.fn_immutable_row();
DROP FUNCTION core.gen_uuidv7();
