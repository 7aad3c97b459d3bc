-- Behind the triggers of tables to which rows are only ever added.
CREATE FUNCTION payments.fn_immutable_row() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of a row in %.%: rows there are only ever added',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
