DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_kyc_app_user'
    ) THEN
        CREATE ROLE bank_kyc_app_user NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_kyc_app_user_alt'
    ) THEN
        CREATE ROLE bank_kyc_app_user_alt NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_kyc_readonly'
    ) THEN
        CREATE ROLE bank_kyc_readonly NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'app_readonly'
    ) THEN
        CREATE ROLE app_readonly NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA kyc;
CREATE SCHEMA party;
CREATE SCHEMA banking;
CREATE SCHEMA regulatory;

GRANT USAGE ON SCHEMA kyc, party, banking, regulatory
TO bank_kyc_app_user, bank_kyc_app_user_alt, bank_kyc_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA kyc, party, banking, regulatory
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES
TO bank_kyc_app_user, bank_kyc_app_user_alt;
ALTER DEFAULT PRIVILEGES IN SCHEMA kyc, party, banking, regulatory
GRANT SELECT ON TABLES TO bank_kyc_readonly;
