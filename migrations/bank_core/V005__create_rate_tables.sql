CREATE TABLE accounts.interest_rates (
    rate_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    product_code text NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    annual_rate numeric(9, 6) NOT NULL,
    effective_from timestamptz NOT NULL,
    effective_to timestamptz,
    CHECK (effective_to IS NULL OR effective_to > effective_from),
    UNIQUE (tenant_id, product_code, jurisdiction, effective_from)
);

CREATE TABLE core.rate_change_proposals (
    proposal_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    product_code text NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    proposed_rate numeric(9, 6) NOT NULL,
    notice_given_at timestamptz,
    effective_from timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('PROPOSED', 'NOTIFIED', 'ACTIVATED', 'WITHDRAWN')),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE core.rate_change_events (
    event_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    proposal_id uuid NOT NULL REFERENCES core.rate_change_proposals (proposal_id),
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON core.rate_change_events
FROM bank_core_app_user, bank_core_app_user_alt;
CREATE TRIGGER rate_change_events_immutable_rows
BEFORE UPDATE OR DELETE ON core.rate_change_events
FOR EACH ROW EXECUTE FUNCTION core.fn_immutable_row();
CREATE TRIGGER rate_change_events_immutable_table
BEFORE TRUNCATE ON core.rate_change_events
FOR EACH STATEMENT EXECUTE FUNCTION core.fn_immutable_row();
