CREATE TABLE accounts.accounts (
    account_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    product_code text NOT NULL,
    currency text NOT NULL CHECK (currency IN ('NZD', 'AUD')),
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    status text NOT NULL DEFAULT 'PENDING'
        CHECK (status IN ('PENDING', 'ACTIVE', 'RESTRICTED', 'DORMANT', 'CLOSED')),
    status_reason text,
    opened_at timestamptz,
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX accounts_party_idx ON accounts.accounts (tenant_id, party_id);

-- A posting is a row for each leg; the legs of one posting share posting_id and add up to zero.
CREATE TABLE accounts.postings (
    entry_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    posting_id uuid NOT NULL,
    tenant_id text NOT NULL,
    account_id uuid NOT NULL REFERENCES accounts.accounts (account_id),
    direction text NOT NULL CHECK (direction IN ('DEBIT', 'CREDIT')),
    amount numeric(19, 4) NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency IN ('NZD', 'AUD')),
    gl_code text NOT NULL,
    reverses_posting_id uuid,
    idempotency_key text NOT NULL,
    value_date date NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (posting_id, account_id, direction)
);
CREATE INDEX postings_account_idx ON accounts.postings (account_id, created_at);
REVOKE UPDATE, DELETE, TRUNCATE ON accounts.postings
FROM bank_core_app_user, bank_core_app_user_alt;
CREATE TRIGGER postings_immutable_rows
BEFORE UPDATE OR DELETE ON accounts.postings
FOR EACH ROW EXECUTE FUNCTION core.fn_immutable_row();
CREATE TRIGGER postings_immutable_table
BEFORE TRUNCATE ON accounts.postings
FOR EACH STATEMENT EXECUTE FUNCTION core.fn_immutable_row();
