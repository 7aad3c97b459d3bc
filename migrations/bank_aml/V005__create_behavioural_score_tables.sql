CREATE TABLE aml.behavioural_scores (
    score_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    score numeric(6, 5) NOT NULL,
    model_version text NOT NULL,
    scored_at timestamptz NOT NULL
);
CREATE INDEX behavioural_scores_party_idx ON aml.behavioural_scores (party_id, scored_at);

CREATE TABLE aml.model_deployment_history (
    deployment_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    model_name text NOT NULL,
    model_version text NOT NULL,
    approved_by text NOT NULL,
    deployed_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
