CREATE TABLE kyc.kyc_checks (
    check_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL REFERENCES party.parties (party_id),
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    provider text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('VERIFIED', 'PENDING_EDD', 'FAILED')),
    score numeric(4, 3) NOT NULL CHECK (score BETWEEN 0 AND 1),
    provider_reference text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX kyc_checks_party_idx ON kyc.kyc_checks (party_id, checked_at);
REVOKE UPDATE, DELETE, TRUNCATE ON kyc.kyc_checks
FROM bank_kyc_app_user, bank_kyc_app_user_alt;
CREATE TRIGGER kyc_checks_immutable_rows
BEFORE UPDATE OR DELETE ON kyc.kyc_checks
FOR EACH ROW EXECUTE FUNCTION kyc.fn_immutable_row();
CREATE TRIGGER kyc_checks_immutable_table
BEFORE TRUNCATE ON kyc.kyc_checks
FOR EACH STATEMENT EXECUTE FUNCTION kyc.fn_immutable_row();

CREATE TABLE kyc.identity_documents (
    document_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL REFERENCES party.parties (party_id),
    document_type text NOT NULL,
    issuing_country text NOT NULL,
    number_digest bytea NOT NULL,
    expires_on date,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

-- What staff search by; it shows no document.
CREATE VIEW kyc.party_search_view AS
SELECT
    party.tenant_id,
    party.party_id,
    party.legal_name,
    party.date_of_birth,
    relationship.jurisdiction,
    relationship.kyc_status
FROM party.parties AS party
LEFT JOIN banking.customer_relationships AS relationship USING (party_id);
GRANT USAGE ON SCHEMA kyc TO app_readonly;
GRANT SELECT ON kyc.party_search_view TO app_readonly;
