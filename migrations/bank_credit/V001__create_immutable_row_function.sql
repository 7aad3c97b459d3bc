DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_credit_app_user'
    ) THEN
        CREATE ROLE bank_credit_app_user NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_credit_app_user_alt'
    ) THEN
        CREATE ROLE bank_credit_app_user_alt NOLOGIN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bank_credit_readonly'
    ) THEN
        CREATE ROLE bank_credit_readonly NOLOGIN;
    END IF;
END
$$;

CREATE SCHEMA credit;

GRANT USAGE ON SCHEMA credit
TO bank_credit_app_user, bank_credit_app_user_alt, bank_credit_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA credit
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES
TO bank_credit_app_user, bank_credit_app_user_alt;
ALTER DEFAULT PRIVILEGES IN SCHEMA credit
GRANT SELECT ON TABLES TO bank_credit_readonly;

-- Behind the triggers of tables to which rows are only ever added.
CREATE FUNCTION credit.fn_immutable_row() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of a row in %.%: rows there are only ever added',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
