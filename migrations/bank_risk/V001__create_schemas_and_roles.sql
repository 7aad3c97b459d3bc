DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_risk_app_user'
    ) THEN
        CREATE ROLE bank_risk_app_user NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_risk_app_user_alt'
    ) THEN
        CREATE ROLE bank_risk_app_user_alt NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_risk_readonly'
    ) THEN
        CREATE ROLE bank_risk_readonly NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA risk;

GRANT USAGE ON SCHEMA risk
TO bank_risk_app_user, bank_risk_app_user_alt, bank_risk_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA risk
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES
TO bank_risk_app_user, bank_risk_app_user_alt;
ALTER DEFAULT PRIVILEGES IN SCHEMA risk
GRANT SELECT ON TABLES TO bank_risk_readonly;
