CREATE TABLE payments.settlement_files (
    file_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    rail text NOT NULL,
    object_key text NOT NULL UNIQUE,
    content_sha256 bytea NOT NULL,
    entry_count integer,
    received_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE payments.reconciliation_exceptions (
    exception_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    file_id uuid REFERENCES payments.settlement_files (file_id),
    payment_id uuid,
    kind text NOT NULL,
    amount numeric(19, 4),
    state text NOT NULL CHECK (state IN ('OPEN', 'RESOLVED')),
    raised_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
