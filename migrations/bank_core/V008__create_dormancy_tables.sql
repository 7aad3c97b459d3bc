CREATE TABLE accounts.dormancy_records (
    record_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    account_id uuid NOT NULL REFERENCES accounts.accounts (account_id),
    state text NOT NULL
        CHECK (state IN ('DORMANT', 'ESCHEATMENT_PENDING', 'ESCHEATMENT_SUBMITTED')),
    last_activity_at timestamptz NOT NULL,
    escheatment_due_on date,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dormancy_records_account_idx ON accounts.dormancy_records (account_id);

CREATE TABLE accounts.escheatment_submissions (
    submission_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    account_id uuid NOT NULL REFERENCES accounts.accounts (account_id),
    authority text NOT NULL CHECK (authority IN ('IRD', 'ASIC')),
    amount numeric(19, 4) NOT NULL,
    status text NOT NULL DEFAULT 'PENDING_OPS',
    document_key text,
    submitted_at timestamptz
);
