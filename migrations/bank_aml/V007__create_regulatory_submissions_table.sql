CREATE TABLE aml.regulatory_submissions (
    submission_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    report_type text NOT NULL,
    regulator text NOT NULL,
    case_id uuid REFERENCES aml.aml_cases (case_id),
    content_sha256 bytea NOT NULL CHECK (octet_length(content_sha256) = 32),
    receipt text,
    submitted_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON aml.regulatory_submissions
FROM bank_aml_app_user, bank_aml_app_user_alt;
CREATE TRIGGER regulatory_submissions_immutable_rows
BEFORE UPDATE OR DELETE ON aml.regulatory_submissions
FOR EACH ROW EXECUTE FUNCTION aml.fn_immutable_row();
CREATE TRIGGER regulatory_submissions_immutable_table
BEFORE TRUNCATE ON aml.regulatory_submissions
FOR EACH STATEMENT EXECUTE FUNCTION aml.fn_immutable_row();
