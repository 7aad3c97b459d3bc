DROP TABLE app.idempotency_keys;
DROP FUNCTION app.fn_immutable_row();
