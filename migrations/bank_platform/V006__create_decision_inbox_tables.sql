CREATE TABLE decision_inbox.decision_result_inbox (
    result_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    target text NOT NULL,
    payload jsonb NOT NULL,
    status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'APPLIED', 'FAILED')),
    received_at timestamptz NOT NULL DEFAULT now(),
    applied_at timestamptz
);
CREATE INDEX decision_result_inbox_status_idx
    ON decision_inbox.decision_result_inbox (status, received_at);

CREATE TABLE decision_inbox.delivery_log (
    delivery_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    result_id uuid NOT NULL,
    attempt integer NOT NULL,
    outcome text NOT NULL,
    delivered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX delivery_log_delivered_idx ON decision_inbox.delivery_log (delivered_at);
REVOKE UPDATE, DELETE, TRUNCATE ON decision_inbox.delivery_log
FROM bank_platform_app_user, bank_platform_app_user_alt;
CREATE TRIGGER delivery_log_immutable_rows
BEFORE UPDATE OR DELETE ON decision_inbox.delivery_log
FOR EACH ROW EXECUTE FUNCTION audit.fn_immutable_row();
CREATE TRIGGER delivery_log_immutable_table
BEFORE TRUNCATE ON decision_inbox.delivery_log
FOR EACH STATEMENT EXECUTE FUNCTION audit.fn_immutable_row();
