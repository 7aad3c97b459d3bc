CREATE TABLE credit.mortgage_rate_periods (
    period_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    facility_id uuid NOT NULL REFERENCES credit.loan_accounts (facility_id),
    rate_type text NOT NULL CHECK (rate_type IN ('FIXED', 'FLOATING')),
    annual_rate numeric(9, 6) NOT NULL,
    starts_on date NOT NULL,
    ends_on date
);

CREATE TABLE credit.mortgage_notifications (
    notification_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    facility_id uuid NOT NULL REFERENCES credit.loan_accounts (facility_id),
    kind text NOT NULL,
    due_on date NOT NULL,
    dispatched_at timestamptz,
    UNIQUE (facility_id, kind, due_on)
);

CREATE TABLE credit.break_cost_disclosures (
    disclosure_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    facility_id uuid NOT NULL REFERENCES credit.loan_accounts (facility_id),
    amount numeric(19, 4) NOT NULL,
    basis jsonb NOT NULL,
    disclosed_at timestamptz NOT NULL DEFAULT now(),
    acknowledged_at timestamptz
);
