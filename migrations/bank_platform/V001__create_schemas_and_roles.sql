DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_platform_app_user'
    ) THEN
        CREATE ROLE bank_platform_app_user NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_platform_app_user_alt'
    ) THEN
        CREATE ROLE bank_platform_app_user_alt NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_platform_readonly'
    ) THEN
        CREATE ROLE bank_platform_readonly NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA audit;
CREATE SCHEMA decision_log;
CREATE SCHEMA decision_inbox;
CREATE SCHEMA notifications;

GRANT USAGE ON SCHEMA audit, decision_log, decision_inbox, notifications
TO bank_platform_app_user, bank_platform_app_user_alt, bank_platform_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA audit, decision_log, decision_inbox, notifications
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES
TO bank_platform_app_user, bank_platform_app_user_alt;
ALTER DEFAULT PRIVILEGES IN SCHEMA audit, decision_log, decision_inbox, notifications
GRANT SELECT ON TABLES TO bank_platform_readonly;
