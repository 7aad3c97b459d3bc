CREATE TABLE access.device_registry (
    device_id text NOT NULL,
    user_id uuid NOT NULL REFERENCES access.user_identities (user_id),
    platform text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (user_id, device_id)
);

CREATE TABLE access.device_credentials (
    credential_id bytea PRIMARY KEY,
    user_id uuid NOT NULL,
    device_id text NOT NULL,
    public_key bytea NOT NULL,
    signature_count bigint NOT NULL DEFAULT 0,
    enrolled_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (user_id, device_id) REFERENCES access.device_registry (user_id, device_id)
);

CREATE TABLE app.customer_sessions (
    session_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    user_id uuid NOT NULL REFERENCES access.user_identities (user_id),
    device_id text,
    status text NOT NULL CHECK (status IN ('ACTIVE', 'REVOKED', 'EXPIRED')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX customer_sessions_user_idx ON app.customer_sessions (user_id, created_at);
