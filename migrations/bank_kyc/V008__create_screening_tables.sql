CREATE TABLE kyc.sanctions_results (
    result_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    list_entry_id uuid,
    status text NOT NULL
        CHECK (status IN ('CLEAR', 'MATCH_PENDING', 'CONFIRMED_MATCH', 'FALSE_POSITIVE')),
    match_score numeric(4, 3) NOT NULL CHECK (match_score BETWEEN 0 AND 1),
    screened_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sanctions_results_party_idx ON kyc.sanctions_results (party_id, screened_at);
REVOKE UPDATE, DELETE, TRUNCATE ON kyc.sanctions_results
FROM bank_kyc_app_user, bank_kyc_app_user_alt;
CREATE TRIGGER sanctions_results_immutable_rows
BEFORE UPDATE OR DELETE ON kyc.sanctions_results
FOR EACH ROW EXECUTE FUNCTION kyc.fn_immutable_row();
CREATE TRIGGER sanctions_results_immutable_table
BEFORE TRUNCATE ON kyc.sanctions_results
FOR EACH STATEMENT EXECUTE FUNCTION kyc.fn_immutable_row();

CREATE TABLE kyc.false_positive_decisions (
    decision_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    result_id uuid NOT NULL REFERENCES kyc.sanctions_results (result_id),
    decided_by text NOT NULL,
    reason text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now()
);
