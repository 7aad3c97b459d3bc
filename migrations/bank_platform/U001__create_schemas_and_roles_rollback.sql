DROP SCHEMA notifications;
DROP SCHEMA decision_inbox;
DROP SCHEMA decision_log;
DROP SCHEMA audit;
-- A role that can sign in belongs to MOD-103 and stays.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_platform_app_user' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_platform_app_user;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_platform_app_user_alt' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_platform_app_user_alt;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_platform_readonly' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_platform_readonly;
    END IF;
END
$$;
