CREATE TABLE payments.ifti_cmir_queue (
    queue_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    payment_id uuid NOT NULL UNIQUE,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    report_type text NOT NULL,
    status text NOT NULL DEFAULT 'QUEUED',
    payload jsonb NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    submitted_at timestamptz
);
CREATE INDEX ifti_cmir_queue_status_idx ON payments.ifti_cmir_queue (status, queued_at);

CREATE TABLE payments.idempotency_records (
    event_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
