CREATE TABLE credit.ifrs9_stage_allocations (
    allocation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    facility_id uuid NOT NULL REFERENCES credit.loan_accounts (facility_id),
    stage integer NOT NULL CHECK (stage BETWEEN 1 AND 3),
    reason text NOT NULL,
    committee_approval_id text,
    allocated_on date NOT NULL,
    UNIQUE (facility_id, allocated_on)
);

CREATE TABLE credit.ecl_runs (
    run_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    run_type text NOT NULL CHECK (run_type IN ('DAILY', 'MONTHLY')),
    as_of date NOT NULL,
    status text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);

CREATE TABLE credit.ecl_provisions (
    provision_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    run_id uuid NOT NULL REFERENCES credit.ecl_runs (run_id),
    facility_id uuid NOT NULL REFERENCES credit.loan_accounts (facility_id),
    stage integer NOT NULL CHECK (stage BETWEEN 1 AND 3),
    amount numeric(19, 4) NOT NULL,
    posting_id uuid,
    UNIQUE (run_id, facility_id)
);
