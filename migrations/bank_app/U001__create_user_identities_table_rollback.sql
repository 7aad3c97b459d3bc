DROP TABLE access.user_identities;
DROP SCHEMA app;
DROP SCHEMA access;
-- A role that can sign in belongs to MOD-103 and stays.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_app_app_user' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_app_app_user;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_app_app_user_alt' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_app_app_user_alt;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_app_readonly' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_app_readonly;
    END IF;
END
$$;
