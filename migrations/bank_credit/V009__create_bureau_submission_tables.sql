CREATE TABLE credit.credit_bureau_requests (
    request_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    decision_id uuid NOT NULL,
    bureau text NOT NULL,
    status text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE credit.bureau_submission_batches (
    batch_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bureau text NOT NULL,
    period date NOT NULL,
    record_count integer NOT NULL,
    status text NOT NULL,
    submitted_at timestamptz,
    UNIQUE (bureau, period)
);
