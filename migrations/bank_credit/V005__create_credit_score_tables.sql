CREATE TABLE credit.risk_scores_mirror (
    party_id uuid NOT NULL,
    composite_risk_score integer NOT NULL CHECK (composite_risk_score BETWEEN 0 AND 100),
    risk_tier text NOT NULL CHECK (risk_tier IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    score_version text NOT NULL,
    scored_at timestamptz NOT NULL,
    mirror_updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (party_id, scored_at)
);

CREATE TABLE credit.credit_scores (
    score_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    score integer NOT NULL,
    rating text NOT NULL,
    risk_weight numeric(6, 4) NOT NULL,
    inputs jsonb NOT NULL,
    scored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX credit_scores_party_idx ON credit.credit_scores (party_id, scored_at);
REVOKE UPDATE, DELETE, TRUNCATE ON credit.credit_scores
FROM bank_credit_app_user, bank_credit_app_user_alt;
CREATE TRIGGER credit_scores_immutable_rows
BEFORE UPDATE OR DELETE ON credit.credit_scores
FOR EACH ROW EXECUTE FUNCTION credit.fn_immutable_row();
CREATE TRIGGER credit_scores_immutable_table
BEFORE TRUNCATE ON credit.credit_scores
FOR EACH STATEMENT EXECUTE FUNCTION credit.fn_immutable_row();

CREATE TABLE credit.credit_decisions (
    decision_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    application_id uuid NOT NULL,
    score_id uuid REFERENCES credit.credit_scores (score_id),
    outcome text NOT NULL,
    reasons jsonb NOT NULL,
    expires_at timestamptz,
    decided_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX credit_decisions_application_idx ON credit.credit_decisions (application_id);
