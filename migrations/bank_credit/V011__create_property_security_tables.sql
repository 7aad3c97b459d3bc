CREATE TABLE credit.property_security_details (
    collateral_id uuid PRIMARY KEY REFERENCES credit.collateral_register (collateral_id),
    title_reference text NOT NULL,
    address jsonb NOT NULL,
    ranking integer NOT NULL DEFAULT 1,
    discharged_at timestamptz
);

CREATE TABLE credit.lvr_snapshots (
    collateral_id uuid NOT NULL REFERENCES credit.collateral_register (collateral_id),
    snapshot_on date NOT NULL,
    loan_amount numeric(19, 4) NOT NULL,
    valuation numeric(19, 4) NOT NULL,
    ratio numeric(7, 4) NOT NULL,
    PRIMARY KEY (collateral_id, snapshot_on)
);
