CREATE TABLE kyc.fp_review_queue (
    review_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    result_id uuid NOT NULL REFERENCES kyc.sanctions_results (result_id),
    assigned_to text,
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('OPEN', 'IN_REVIEW', 'CLEARED', 'CONFIRMED'))
);

CREATE TABLE kyc.fp_metrics_monthly (
    tenant_id text NOT NULL,
    month date NOT NULL,
    matches integer NOT NULL,
    false_positives integer NOT NULL,
    median_hours numeric(9, 2),
    PRIMARY KEY (tenant_id, month)
);
