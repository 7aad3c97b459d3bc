-- Behind the triggers of tables to which rows are only ever added.
CREATE FUNCTION app.fn_immutable_row() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of a row in %.%: rows there are only ever added',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

-- Requests that were answered already, so that a repeated one gets the same answer.
CREATE TABLE app.idempotency_keys (
    tenant_id text NOT NULL,
    operation text NOT NULL,
    idempotency_key text NOT NULL,
    request_sha256 bytea NOT NULL,
    response jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, operation, idempotency_key)
);
CREATE INDEX idempotency_keys_expiry_idx ON app.idempotency_keys (expires_at);
