DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_aml_app_user'
    ) THEN
        CREATE ROLE bank_aml_app_user NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_aml_app_user_alt'
    ) THEN
        CREATE ROLE bank_aml_app_user_alt NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_aml_readonly'
    ) THEN
        CREATE ROLE bank_aml_readonly NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA aml;

GRANT USAGE ON SCHEMA aml
TO bank_aml_app_user, bank_aml_app_user_alt, bank_aml_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA aml
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES
TO bank_aml_app_user, bank_aml_app_user_alt;
ALTER DEFAULT PRIVILEGES IN SCHEMA aml
GRANT SELECT ON TABLES TO bank_aml_readonly;
