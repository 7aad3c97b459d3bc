CREATE TABLE credit.overdraft_facilities (
    overdraft_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    account_id uuid NOT NULL UNIQUE,
    limit_amount numeric(19, 4) NOT NULL CHECK (limit_amount >= 0),
    annual_rate numeric(9, 6) NOT NULL,
    hardship boolean NOT NULL DEFAULT false,
    status text NOT NULL
);

CREATE TABLE credit.overdraft_daily_accruals (
    overdraft_id uuid NOT NULL REFERENCES credit.overdraft_facilities (overdraft_id),
    accrual_date date NOT NULL,
    drawn_amount numeric(19, 4) NOT NULL,
    interest numeric(19, 4) NOT NULL,
    PRIMARY KEY (overdraft_id, accrual_date)
);

CREATE TABLE credit.overdraft_events (
    event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    overdraft_id uuid NOT NULL REFERENCES credit.overdraft_facilities (overdraft_id),
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON credit.overdraft_events
FROM bank_credit_app_user, bank_credit_app_user_alt;
CREATE TRIGGER overdraft_events_immutable_rows
BEFORE UPDATE OR DELETE ON credit.overdraft_events
FOR EACH ROW EXECUTE FUNCTION credit.fn_immutable_row();
CREATE TRIGGER overdraft_events_immutable_table
BEFORE TRUNCATE ON credit.overdraft_events
FOR EACH STATEMENT EXECUTE FUNCTION credit.fn_immutable_row();
