CREATE TABLE core.term_deposits (
    term_deposit_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL,
    account_id uuid NOT NULL REFERENCES accounts.accounts (account_id),
    principal numeric(19, 4) NOT NULL CHECK (principal > 0),
    annual_rate numeric(9, 6) NOT NULL,
    starts_on date NOT NULL,
    matures_on date NOT NULL,
    state text NOT NULL
        CHECK (state IN ('PRE_MATURITY', 'MATURING', 'MATURED', 'ROLLED', 'BROKEN_EARLY')),
    instruction jsonb,
    CHECK (matures_on > starts_on)
);
CREATE INDEX term_deposits_maturity_idx ON core.term_deposits (matures_on);
