CREATE TABLE kyc.cdd_tier_assignments (
    assignment_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    tier text NOT NULL CHECK (tier IN ('SIMPLIFIED', 'STANDARD', 'ENHANCED')),
    reason text NOT NULL,
    override_by text,
    assigned_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cdd_tier_assignments_party_idx ON kyc.cdd_tier_assignments (party_id, assigned_at);
REVOKE UPDATE, DELETE, TRUNCATE ON kyc.cdd_tier_assignments
FROM bank_kyc_app_user, bank_kyc_app_user_alt;
CREATE TRIGGER cdd_tier_assignments_immutable_rows
BEFORE UPDATE OR DELETE ON kyc.cdd_tier_assignments
FOR EACH ROW EXECUTE FUNCTION kyc.fn_immutable_row();
CREATE TRIGGER cdd_tier_assignments_immutable_table
BEFORE TRUNCATE ON kyc.cdd_tier_assignments
FOR EACH STATEMENT EXECUTE FUNCTION kyc.fn_immutable_row();
