DROP FUNCTION credit.fn_immutable_row();
DROP SCHEMA credit;
-- A role that can sign in belongs to MOD-103 and stays.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_credit_app_user' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_credit_app_user;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_credit_app_user_alt' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_credit_app_user_alt;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_roles
        WHERE rolname = 'bank_credit_readonly' AND NOT rolcanlogin
    ) THEN
        DROP ROLE bank_credit_readonly;
    END IF;
END
$$;
