CREATE TABLE payments.bpay_payments (
    bpay_payment_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    payment_id uuid NOT NULL REFERENCES payments.payments (payment_id),
    biller_code text NOT NULL,
    customer_reference text NOT NULL,
    status text NOT NULL,
    return_reason text,
    submitted_at timestamptz
);
