CREATE TABLE core.transaction_log (
    log_id uuid PRIMARY KEY DEFAULT core.gen_uuidv7(),
    posting_id uuid NOT NULL UNIQUE,
    tenant_id text NOT NULL,
    account_id uuid NOT NULL,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    row_hash bytea NOT NULL CHECK (octet_length(row_hash) = 32),
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX transaction_log_account_idx ON core.transaction_log (account_id, recorded_at);
REVOKE UPDATE, DELETE, TRUNCATE ON core.transaction_log
FROM bank_core_app_user, bank_core_app_user_alt;
CREATE TRIGGER transaction_log_immutable_rows
BEFORE UPDATE OR DELETE ON core.transaction_log
FOR EACH ROW EXECUTE FUNCTION core.fn_immutable_row();
CREATE TRIGGER transaction_log_immutable_table
BEFORE TRUNCATE ON core.transaction_log
FOR EACH STATEMENT EXECUTE FUNCTION core.fn_immutable_row();
