CREATE TABLE aml.aml_cases (
    case_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    alert_id uuid NOT NULL REFERENCES aml.aml_alerts (alert_id),
    party_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('OPEN', 'ESCALATED', 'CLOSED')),
    assigned_to text,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);

CREATE TABLE aml.case_events (
    event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    case_id uuid NOT NULL REFERENCES aml.aml_cases (case_id),
    event_type text NOT NULL,
    actor text NOT NULL,
    payload jsonb NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON aml.case_events
FROM bank_aml_app_user, bank_aml_app_user_alt;
CREATE TRIGGER case_events_immutable_rows
BEFORE UPDATE OR DELETE ON aml.case_events
FOR EACH ROW EXECUTE FUNCTION aml.fn_immutable_row();
CREATE TRIGGER case_events_immutable_table
BEFORE TRUNCATE ON aml.case_events
FOR EACH STATEMENT EXECUTE FUNCTION aml.fn_immutable_row();
