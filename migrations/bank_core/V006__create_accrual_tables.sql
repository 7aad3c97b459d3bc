CREATE TABLE core.accrual_runs (
    run_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    accrual_date date NOT NULL,
    partition_count integer NOT NULL CHECK (partition_count > 0),
    status text NOT NULL CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED')),
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    UNIQUE (tenant_id, jurisdiction, accrual_date)
);

CREATE TABLE core.accrual_postings (
    accrual_posting_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    run_id uuid NOT NULL REFERENCES core.accrual_runs (run_id),
    account_id uuid NOT NULL REFERENCES accounts.accounts (account_id),
    posting_id uuid NOT NULL,
    rate_applied numeric(9, 6) NOT NULL,
    amount numeric(19, 4) NOT NULL,
    UNIQUE (run_id, account_id)
);
