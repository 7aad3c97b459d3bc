CREATE TABLE payments.payment_limits (
    limit_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('TENANT', 'PARTY', 'ACCOUNT')),
    scope_id text NOT NULL,
    rail text NOT NULL,
    period text NOT NULL CHECK (period IN ('PAYMENT', 'DAY', 'WEEK', 'MONTH')),
    maximum_amount numeric(19, 4),
    maximum_count integer,
    currency text NOT NULL,
    set_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, scope, scope_id, rail, period, currency)
);
