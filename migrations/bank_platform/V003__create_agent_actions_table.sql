CREATE TABLE audit.agent_actions (
    action_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    actor text NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('AGENT', 'STAFF')),
    action text NOT NULL,
    subject text NOT NULL,
    payload jsonb NOT NULL,
    correlation_id text,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX agent_actions_actor_idx ON audit.agent_actions (actor, occurred_at);
REVOKE UPDATE, DELETE, TRUNCATE ON audit.agent_actions
FROM bank_platform_app_user, bank_platform_app_user_alt;
CREATE TRIGGER agent_actions_immutable_rows
BEFORE UPDATE OR DELETE ON audit.agent_actions
FOR EACH ROW EXECUTE FUNCTION audit.fn_immutable_row();
CREATE TRIGGER agent_actions_immutable_table
BEFORE TRUNCATE ON audit.agent_actions
FOR EACH STATEMENT EXECUTE FUNCTION audit.fn_immutable_row();
