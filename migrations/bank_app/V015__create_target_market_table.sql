CREATE TABLE app.target_market_determinations (
    determination_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    product_code text NOT NULL,
    version integer NOT NULL,
    content jsonb NOT NULL,
    approved_by text NOT NULL,
    effective_from date NOT NULL,
    review_due_on date NOT NULL,
    UNIQUE (tenant_id, product_code, version)
);
