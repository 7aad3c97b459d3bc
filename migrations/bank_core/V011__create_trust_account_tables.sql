CREATE TABLE core.trust_accounts (
    trust_account_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    account_id uuid NOT NULL UNIQUE REFERENCES accounts.accounts (account_id),
    trust_type text NOT NULL,
    deed_document_id uuid,
    status text NOT NULL,
    next_review_on date
);

CREATE TABLE core.trust_party_metadata (
    trust_account_id uuid NOT NULL REFERENCES core.trust_accounts (trust_account_id),
    party_id uuid NOT NULL,
    capacity text NOT NULL CHECK (capacity IN ('TRUSTEE', 'SETTLOR', 'BENEFICIARY', 'APPOINTOR')),
    ownership_share numeric(7, 4),
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_to timestamptz,
    PRIMARY KEY (trust_account_id, party_id, capacity, valid_from)
);

CREATE TABLE core.trust_governance_events (
    event_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    trust_account_id uuid NOT NULL REFERENCES core.trust_accounts (trust_account_id),
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    actor text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON core.trust_governance_events
FROM bank_core_app_user, bank_core_app_user_alt;
CREATE TRIGGER trust_governance_events_immutable_rows
BEFORE UPDATE OR DELETE ON core.trust_governance_events
FOR EACH ROW EXECUTE FUNCTION core.fn_immutable_row();
CREATE TRIGGER trust_governance_events_immutable_table
BEFORE TRUNCATE ON core.trust_governance_events
FOR EACH STATEMENT EXECUTE FUNCTION core.fn_immutable_row();

CREATE TABLE accounts.account_party_relationships (
    account_id uuid NOT NULL REFERENCES accounts.accounts (account_id),
    party_id uuid NOT NULL,
    tenant_id text NOT NULL,
    relationship text NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_to timestamptz,
    PRIMARY KEY (account_id, party_id, relationship, valid_from)
);
