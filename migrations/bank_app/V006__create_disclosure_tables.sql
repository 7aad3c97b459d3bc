CREATE TABLE app.product_configurations (
    product_code text NOT NULL,
    tenant_id text NOT NULL,
    version integer NOT NULL,
    configuration jsonb NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, product_code, version)
);

CREATE TABLE app.disclosures (
    disclosure_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    product_code text NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    version text NOT NULL,
    content_sha256 bytea NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, product_code, jurisdiction, version)
);

CREATE TABLE app.disclosure_acks (
    ack_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    disclosure_id uuid NOT NULL REFERENCES app.disclosures (disclosure_id),
    user_id uuid NOT NULL,
    acknowledged_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (disclosure_id, user_id)
);

CREATE TABLE app.dcs_fcs_disclosures (
    disclosure_id uuid PRIMARY KEY REFERENCES app.disclosures (disclosure_id),
    scheme text NOT NULL CHECK (scheme IN ('DCS', 'FCS')),
    insured_limit numeric(19, 4) NOT NULL,
    currency text NOT NULL
);
