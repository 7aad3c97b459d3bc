CREATE TABLE aml.risk_scores_mirror (
    party_id uuid NOT NULL,
    composite_risk_score integer NOT NULL CHECK (composite_risk_score BETWEEN 0 AND 100),
    risk_tier text NOT NULL CHECK (risk_tier IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    score_version text NOT NULL,
    scored_at timestamptz NOT NULL,
    mirror_updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (party_id, scored_at)
);
