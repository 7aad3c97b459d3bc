CREATE TABLE app.document_metadata (
    document_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    object_key text NOT NULL UNIQUE,
    document_type text NOT NULL,
    content_sha256 bytea NOT NULL,
    retention_delete_at timestamptz,
    uploaded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX document_metadata_retention_idx ON app.document_metadata (retention_delete_at);

CREATE TABLE app.document_audit_log (
    audit_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    document_id uuid NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON app.document_audit_log
FROM bank_app_app_user, bank_app_app_user_alt;
CREATE TRIGGER document_audit_log_immutable_rows
BEFORE UPDATE OR DELETE ON app.document_audit_log
FOR EACH ROW EXECUTE FUNCTION app.fn_immutable_row();
CREATE TRIGGER document_audit_log_immutable_table
BEFORE TRUNCATE ON app.document_audit_log
FOR EACH STATEMENT EXECUTE FUNCTION app.fn_immutable_row();
