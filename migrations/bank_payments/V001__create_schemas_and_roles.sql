DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_payments_app_user'
    ) THEN
        CREATE ROLE bank_payments_app_user NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_payments_app_user_alt'
    ) THEN
        CREATE ROLE bank_payments_app_user_alt NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_payments_readonly'
    ) THEN
        CREATE ROLE bank_payments_readonly NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA payments;

GRANT USAGE ON SCHEMA payments
TO bank_payments_app_user, bank_payments_app_user_alt, bank_payments_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA payments
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES
TO bank_payments_app_user, bank_payments_app_user_alt;
ALTER DEFAULT PRIVILEGES IN SCHEMA payments
GRANT SELECT ON TABLES TO bank_payments_readonly;
