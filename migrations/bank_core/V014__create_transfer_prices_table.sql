-- MOD-086 writes here from outside with a role that can do nothing else.
CREATE TABLE treasury.tp_rates (
    rate_date date NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    tenor text NOT NULL,
    annual_rate numeric(9, 6) NOT NULL,
    model_run_id uuid NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rate_date, jurisdiction, tenor)
);
GRANT USAGE ON SCHEMA treasury TO tp_writeback_user;
GRANT SELECT, INSERT, UPDATE ON treasury.tp_rates TO tp_writeback_user;
