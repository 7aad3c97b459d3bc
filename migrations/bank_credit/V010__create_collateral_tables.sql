CREATE TABLE credit.collateral_register (
    collateral_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    facility_id uuid NOT NULL REFERENCES credit.loan_accounts (facility_id),
    collateral_type text NOT NULL,
    description text NOT NULL,
    status text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE credit.collateral_valuations (
    valuation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    collateral_id uuid NOT NULL REFERENCES credit.collateral_register (collateral_id),
    amount numeric(19, 4) NOT NULL,
    method text NOT NULL,
    valued_on date NOT NULL,
    expires_on date
);

CREATE TABLE credit.collateral_release_requests (
    request_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    collateral_id uuid NOT NULL REFERENCES credit.collateral_register (collateral_id),
    requested_by text NOT NULL,
    approved_by text,
    status text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    CHECK (approved_by IS NULL OR approved_by <> requested_by)
);

CREATE TABLE credit.collateral_renewal_tasks (
    task_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    collateral_id uuid NOT NULL REFERENCES credit.collateral_register (collateral_id),
    days_before integer NOT NULL CHECK (days_before IN (90, 30, 7)),
    due_on date NOT NULL,
    done_at timestamptz,
    UNIQUE (collateral_id, days_before, due_on)
);
