CREATE TABLE access.user_roles (
    user_id uuid NOT NULL,
    role text NOT NULL,
    tenant_id text NOT NULL,
    assigned_by text NOT NULL,
    assigned_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (user_id, role, assigned_at)
);

CREATE TABLE access.role_permissions (
    role text NOT NULL,
    resource text NOT NULL,
    allowed_columns text[] NOT NULL,
    denied boolean NOT NULL DEFAULT false,
    PRIMARY KEY (role, resource)
);

CREATE TABLE access.access_log (
    access_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    user_id uuid NOT NULL,
    resource text NOT NULL,
    allowed boolean NOT NULL,
    accessed_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON access.access_log
FROM bank_app_app_user, bank_app_app_user_alt;
CREATE TRIGGER access_log_immutable_rows
BEFORE UPDATE OR DELETE ON access.access_log
FOR EACH ROW EXECUTE FUNCTION app.fn_immutable_row();
CREATE TRIGGER access_log_immutable_table
BEFORE TRUNCATE ON access.access_log
FOR EACH STATEMENT EXECUTE FUNCTION app.fn_immutable_row();
