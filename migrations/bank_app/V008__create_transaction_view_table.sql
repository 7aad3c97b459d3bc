CREATE TABLE app.transaction_view (
    entry_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    account_id uuid NOT NULL,
    amount numeric(19, 4) NOT NULL,
    currency text NOT NULL,
    description text NOT NULL,
    category text,
    merchant text,
    booked_at timestamptz NOT NULL,
    search_text tsvector GENERATED ALWAYS AS (
        to_tsvector('english', description || ' ' || coalesce(merchant, ''))
    ) STORED
);
CREATE INDEX transaction_view_account_idx ON app.transaction_view (account_id, booked_at DESC);
CREATE INDEX transaction_view_search_idx ON app.transaction_view USING gin (search_text);
