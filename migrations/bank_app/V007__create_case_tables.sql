CREATE TABLE app.cases (
    case_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    case_type text NOT NULL,
    party_id uuid,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    status text NOT NULL,
    due_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE INDEX cases_due_idx ON app.cases (due_at) WHERE closed_at IS NULL;

CREATE TABLE app.complaint_events (
    event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    case_id uuid NOT NULL REFERENCES app.cases (case_id),
    event_type text NOT NULL,
    actor text NOT NULL,
    payload jsonb NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON app.complaint_events
FROM bank_app_app_user, bank_app_app_user_alt;
CREATE TRIGGER complaint_events_immutable_rows
BEFORE UPDATE OR DELETE ON app.complaint_events
FOR EACH ROW EXECUTE FUNCTION app.fn_immutable_row();
CREATE TRIGGER complaint_events_immutable_table
BEFORE TRUNCATE ON app.complaint_events
FOR EACH STATEMENT EXECUTE FUNCTION app.fn_immutable_row();
