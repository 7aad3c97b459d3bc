CREATE TABLE payments.payments (
    payment_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    account_id uuid NOT NULL,
    payee jsonb NOT NULL,
    rail text NOT NULL,
    amount numeric(19, 4) NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    status text NOT NULL
        CHECK (status IN ('INITIATED', 'VALIDATED', 'FAILED', 'COMPLETED', 'REVERSED')),
    failure_reason text,
    posting_id uuid,
    idempotency_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, idempotency_key)
);
CREATE INDEX payments_account_idx ON payments.payments (account_id, created_at);

-- Requests that were answered already, so that a repeated one gets the same answer.
CREATE TABLE payments.idempotency_keys (
    tenant_id text NOT NULL,
    operation text NOT NULL,
    idempotency_key text NOT NULL,
    request_sha256 bytea NOT NULL,
    response jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, operation, idempotency_key)
);
CREATE INDEX idempotency_keys_expiry_idx ON payments.idempotency_keys (expires_at);

CREATE TABLE payments.account_status_cache (
    account_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    status text NOT NULL,
    source_event_id uuid NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
