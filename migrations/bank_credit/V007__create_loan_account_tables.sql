CREATE TABLE credit.loan_accounts (
    facility_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    account_id uuid NOT NULL UNIQUE,
    application_id uuid REFERENCES credit.credit_applications (application_id),
    principal numeric(19, 4) NOT NULL,
    status text NOT NULL,
    days_past_due integer NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE credit.repayment_schedules (
    facility_id uuid NOT NULL REFERENCES credit.loan_accounts (facility_id),
    instalment integer NOT NULL,
    due_on date NOT NULL,
    principal_due numeric(19, 4) NOT NULL,
    interest_due numeric(19, 4) NOT NULL,
    paid_at timestamptz,
    PRIMARY KEY (facility_id, instalment)
);
