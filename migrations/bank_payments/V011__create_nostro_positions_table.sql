CREATE TABLE payments.nostro_positions (
    nostro_account text NOT NULL,
    currency text NOT NULL,
    position_date date NOT NULL,
    tenant_id text NOT NULL,
    balance numeric(19, 4) NOT NULL,
    minimum_threshold numeric(19, 4) NOT NULL,
    maximum_threshold numeric(19, 4) NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, nostro_account, currency, position_date),
    CHECK (maximum_threshold >= minimum_threshold)
);
