CREATE TABLE core.fee_schedule (
    fee_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL DEFAULT 'totara-bank',
    fee_code text NOT NULL,
    product_code text NOT NULL,
    amount numeric(19, 4) NOT NULL CHECK (amount >= 0),
    currency text NOT NULL,
    effective_from date NOT NULL,
    effective_to date,
    UNIQUE (tenant_id, fee_code, product_code, effective_from)
);

CREATE TABLE core.fee_events (
    fee_event_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    tenant_id text NOT NULL DEFAULT 'totara-bank',
    fee_id uuid NOT NULL REFERENCES core.fee_schedule (fee_id),
    account_id uuid NOT NULL REFERENCES accounts.accounts (account_id),
    posting_id uuid,
    state text NOT NULL CHECK (state IN ('ASSESSED', 'POSTED', 'WAIVED')),
    idempotency_key text NOT NULL UNIQUE,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
