CREATE TABLE decision_log.system_decisions (
    decision_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    module_id text NOT NULL,
    subject text NOT NULL,
    outcome text NOT NULL,
    explanation jsonb NOT NULL,
    model_version text,
    decided_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX system_decisions_subject_idx ON decision_log.system_decisions (subject, decided_at);
REVOKE UPDATE, DELETE, TRUNCATE ON decision_log.system_decisions
FROM bank_platform_app_user, bank_platform_app_user_alt;
CREATE TRIGGER system_decisions_immutable_rows
BEFORE UPDATE OR DELETE ON decision_log.system_decisions
FOR EACH ROW EXECUTE FUNCTION audit.fn_immutable_row();
CREATE TRIGGER system_decisions_immutable_table
BEFORE TRUNCATE ON decision_log.system_decisions
FOR EACH STATEMENT EXECUTE FUNCTION audit.fn_immutable_row();
