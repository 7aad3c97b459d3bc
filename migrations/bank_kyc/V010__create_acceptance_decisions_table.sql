CREATE TABLE kyc.acceptance_decisions (
    decision_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    product_code text,
    outcome text NOT NULL CHECK (outcome IN ('ACCEPT', 'DECLINE', 'REFER', 'HOLD_FOR_EDD')),
    rules_applied jsonb NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX acceptance_decisions_party_idx ON kyc.acceptance_decisions (party_id, decided_at);
