CREATE TABLE aml.aml_alerts (
    alert_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    account_id uuid,
    typology text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    evidence jsonb NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX aml_alerts_party_idx ON aml.aml_alerts (party_id, raised_at);
REVOKE UPDATE, DELETE, TRUNCATE ON aml.aml_alerts
FROM bank_aml_app_user, bank_aml_app_user_alt;
CREATE TRIGGER aml_alerts_immutable_rows
BEFORE UPDATE OR DELETE ON aml.aml_alerts
FOR EACH ROW EXECUTE FUNCTION aml.fn_immutable_row();
CREATE TRIGGER aml_alerts_immutable_table
BEFORE TRUNCATE ON aml.aml_alerts
FOR EACH STATEMENT EXECUTE FUNCTION aml.fn_immutable_row();

CREATE TABLE aml.rule_executions (
    execution_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    rule_id text NOT NULL,
    rule_version text NOT NULL,
    posting_id uuid NOT NULL,
    matched boolean NOT NULL,
    alert_id uuid REFERENCES aml.aml_alerts (alert_id),
    executed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX rule_executions_posting_idx ON aml.rule_executions (posting_id);
REVOKE UPDATE, DELETE, TRUNCATE ON aml.rule_executions
FROM bank_aml_app_user, bank_aml_app_user_alt;
CREATE TRIGGER rule_executions_immutable_rows
BEFORE UPDATE OR DELETE ON aml.rule_executions
FOR EACH ROW EXECUTE FUNCTION aml.fn_immutable_row();
CREATE TRIGGER rule_executions_immutable_table
BEFORE TRUNCATE ON aml.rule_executions
FOR EACH STATEMENT EXECUTE FUNCTION aml.fn_immutable_row();
