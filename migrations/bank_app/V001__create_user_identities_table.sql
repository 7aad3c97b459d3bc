DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_app_app_user'
    ) THEN
        CREATE ROLE bank_app_app_user NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_app_app_user_alt'
    ) THEN
        CREATE ROLE bank_app_app_user_alt NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_app_readonly'
    ) THEN
        CREATE ROLE bank_app_readonly NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA access;
CREATE SCHEMA app;

GRANT USAGE ON SCHEMA access, app
TO bank_app_app_user, bank_app_app_user_alt, bank_app_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA access, app
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES
TO bank_app_app_user, bank_app_app_user_alt;
ALTER DEFAULT PRIVILEGES IN SCHEMA access, app
GRANT SELECT ON TABLES TO bank_app_readonly;

CREATE TABLE access.user_identities (
    user_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    cognito_sub uuid NOT NULL UNIQUE,
    party_id uuid NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    status text NOT NULL DEFAULT 'ACTIVE',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX user_identities_party_idx ON access.user_identities (party_id);
