CREATE TABLE core.gl_accounts (
    gl_code text NOT NULL,
    tenant_id text NOT NULL,
    title text NOT NULL,
    class text NOT NULL CHECK (class IN ('ASSET', 'LIABILITY', 'EQUITY', 'INCOME', 'EXPENSE')),
    rbnz_bs2a_line text,
    apra_ars_720_line text,
    active boolean NOT NULL DEFAULT true,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, gl_code)
);

CREATE TABLE core.gl_account_proposals (
    proposal_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    gl_code text NOT NULL,
    change jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('PROPOSED', 'APPROVED', 'REJECTED', 'APPLIED')),
    proposed_by text NOT NULL,
    approved_by text,
    apply_on date,
    CHECK (approved_by IS NULL OR approved_by <> proposed_by)
);

CREATE TABLE core.gl_governance_events (
    event_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    proposal_id uuid REFERENCES core.gl_account_proposals (proposal_id),
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    actor text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON core.gl_governance_events
FROM bank_core_app_user, bank_core_app_user_alt;
CREATE TRIGGER gl_governance_events_immutable_rows
BEFORE UPDATE OR DELETE ON core.gl_governance_events
FOR EACH ROW EXECUTE FUNCTION core.fn_immutable_row();
CREATE TRIGGER gl_governance_events_immutable_table
BEFORE TRUNCATE ON core.gl_governance_events
FOR EACH STATEMENT EXECUTE FUNCTION core.fn_immutable_row();
