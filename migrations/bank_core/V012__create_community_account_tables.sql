CREATE TABLE core.community_accounts (
    community_account_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    account_id uuid NOT NULL UNIQUE REFERENCES accounts.accounts (account_id),
    organisation_name text NOT NULL,
    organisation_type text NOT NULL,
    status text NOT NULL
);

CREATE TABLE core.community_officers (
    community_account_id uuid NOT NULL
        REFERENCES core.community_accounts (community_account_id),
    party_id uuid NOT NULL,
    office text NOT NULL,
    elected_on date NOT NULL,
    left_on date,
    PRIMARY KEY (community_account_id, party_id, office, elected_on)
);

CREATE TABLE core.community_signatories (
    community_account_id uuid NOT NULL
        REFERENCES core.community_accounts (community_account_id),
    party_id uuid NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_to timestamptz,
    PRIMARY KEY (community_account_id, party_id, valid_from)
);

CREATE TABLE core.community_signing_rules (
    rule_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    community_account_id uuid NOT NULL
        REFERENCES core.community_accounts (community_account_id),
    signatures_required integer NOT NULL CHECK (signatures_required > 0),
    above_amount numeric(19, 4) NOT NULL DEFAULT 0,
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_to timestamptz
);

CREATE TABLE core.community_governance_events (
    event_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    community_account_id uuid NOT NULL
        REFERENCES core.community_accounts (community_account_id),
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    actor text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON core.community_governance_events
FROM bank_core_app_user, bank_core_app_user_alt;
CREATE TRIGGER community_governance_events_immutable_rows
BEFORE UPDATE OR DELETE ON core.community_governance_events
FOR EACH ROW EXECUTE FUNCTION core.fn_immutable_row();
CREATE TRIGGER community_governance_events_immutable_table
BEFORE TRUNCATE ON core.community_governance_events
FOR EACH STATEMENT EXECUTE FUNCTION core.fn_immutable_row();
