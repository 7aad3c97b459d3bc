CREATE TABLE payments.bpay_billers (
    biller_code text NOT NULL,
    tenant_id text NOT NULL,
    account_id uuid NOT NULL,
    short_name text NOT NULL,
    status text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, biller_code)
);

CREATE TABLE payments.bpay_inbound_payments (
    inbound_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    biller_code text NOT NULL,
    customer_reference text NOT NULL,
    amount numeric(19, 4) NOT NULL CHECK (amount > 0),
    object_key text NOT NULL,
    posting_id uuid,
    received_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, biller_code) REFERENCES payments.bpay_billers (tenant_id, biller_code)
);
