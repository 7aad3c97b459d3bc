CREATE TABLE app.deal_authorisation_config (
    tier integer NOT NULL CHECK (tier > 0),
    tenant_id text NOT NULL,
    maximum_basis_points integer,
    maximum_fee_waiver numeric(19, 4),
    maximum_total_value numeric(19, 4),
    approver_role text NOT NULL,
    PRIMARY KEY (tenant_id, tier)
);
