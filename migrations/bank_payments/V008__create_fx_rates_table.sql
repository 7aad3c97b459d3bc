-- MOD-085 writes the rates, MOD-025 quotes from them.
CREATE TABLE payments.fx_rates (
    base_currency text NOT NULL,
    quote_currency text NOT NULL,
    rate numeric(18, 9) NOT NULL CHECK (rate > 0),
    source text NOT NULL,
    quoted_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (base_currency, quote_currency, quoted_at)
);
