-- The roles belong to MOD-103, which lets them sign in. Where it has not run, as on a new test
-- server, they are made here without a way to sign in, so that rights can be granted to them.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_core_app_user'
    ) THEN
        CREATE ROLE bank_core_app_user NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_core_app_user_alt'
    ) THEN
        CREATE ROLE bank_core_app_user_alt NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_core_readonly'
    ) THEN
        CREATE ROLE bank_core_readonly NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tp_writeback_user'
    ) THEN
        CREATE ROLE tp_writeback_user NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA core;
CREATE SCHEMA accounts;
CREATE SCHEMA treasury;

GRANT USAGE ON SCHEMA core, accounts, treasury
TO bank_core_app_user, bank_core_app_user_alt, bank_core_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA core, accounts, treasury
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES
TO bank_core_app_user, bank_core_app_user_alt;
ALTER DEFAULT PRIVILEGES IN SCHEMA core, accounts, treasury
GRANT SELECT ON TABLES TO bank_core_readonly;
