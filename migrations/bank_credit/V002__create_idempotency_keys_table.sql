-- Requests that were answered already, so that a repeated one gets the same answer.
CREATE TABLE credit.idempotency_keys (
    tenant_id text NOT NULL,
    operation text NOT NULL,
    idempotency_key text NOT NULL,
    request_sha256 bytea NOT NULL,
    response jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, operation, idempotency_key)
);
CREATE INDEX idempotency_keys_expiry_idx ON credit.idempotency_keys (expires_at);
