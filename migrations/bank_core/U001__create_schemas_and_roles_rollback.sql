DROP SCHEMA treasury;
DROP SCHEMA accounts;
DROP SCHEMA core;
-- A role that can sign in belongs to MOD-103 and stays.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_core_app_user' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_core_app_user;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_core_app_user_alt' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_core_app_user_alt;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_core_readonly' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_core_readonly;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'tp_writeback_user' AND NOT rolcanlogin
    ) THEN
        DROP ROLE tp_writeback_user;
    END IF;
END
$$;
