CREATE TABLE accounts.kyc_status_mirror (
    party_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    kyc_status text NOT NULL,
    sanctions_status text NOT NULL,
    source_event_id uuid NOT NULL UNIQUE,
    mirror_updated_at timestamptz NOT NULL DEFAULT now()
);
