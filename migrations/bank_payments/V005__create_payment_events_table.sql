CREATE TABLE payments.payment_events (
    event_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    payment_id uuid NOT NULL,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payment_events_payment_idx ON payments.payment_events (payment_id, occurred_at);
REVOKE UPDATE, DELETE, TRUNCATE ON payments.payment_events
FROM bank_payments_app_user, bank_payments_app_user_alt;
CREATE TRIGGER payment_events_immutable_rows
BEFORE UPDATE OR DELETE ON payments.payment_events
FOR EACH ROW EXECUTE FUNCTION payments.fn_immutable_row();
CREATE TRIGGER payment_events_immutable_table
BEFORE TRUNCATE ON payments.payment_events
FOR EACH STATEMENT EXECUTE FUNCTION payments.fn_immutable_row();
