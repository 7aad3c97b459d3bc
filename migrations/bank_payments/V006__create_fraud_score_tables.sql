CREATE TABLE payments.fraud_scores (
    score_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    payment_id uuid NOT NULL,
    score integer NOT NULL CHECK (score BETWEEN 0 AND 1000),
    decision text NOT NULL CHECK (decision IN ('PASS', 'STEP_UP', 'BLOCK')),
    rules_hit jsonb NOT NULL DEFAULT '[]',
    scored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX fraud_scores_payment_idx ON payments.fraud_scores (payment_id);

CREATE TABLE payments.scam_scored_payees (
    payee_digest bytea NOT NULL,
    tenant_id text NOT NULL,
    score integer NOT NULL CHECK (score BETWEEN 0 AND 1000),
    scored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, payee_digest)
);
