CREATE TABLE credit.credit_applications (
    application_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    product_code text NOT NULL,
    amount numeric(19, 4) NOT NULL CHECK (amount > 0),
    status text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    accepted_at timestamptz
);
