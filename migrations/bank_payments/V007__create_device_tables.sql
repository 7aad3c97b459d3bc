CREATE TABLE payments.device_intelligence (
    device_id text NOT NULL,
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    trust_level text NOT NULL,
    attributes jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, device_id, party_id)
);

CREATE TABLE payments.session_observations (
    observation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    session_id uuid NOT NULL,
    device_id text NOT NULL,
    signals jsonb NOT NULL,
    observed_at timestamptz NOT NULL DEFAULT now()
);
