CREATE TABLE credit.affordability_assessments (
    assessment_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    declared_income numeric(19, 4) NOT NULL,
    assessed_expenses numeric(19, 4) NOT NULL,
    surplus numeric(19, 4) NOT NULL,
    benchmark_version text NOT NULL,
    outcome text NOT NULL,
    assessed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX affordability_party_idx ON credit.affordability_assessments (party_id, assessed_at);

CREATE TABLE credit.hem_benchmarks (
    version text NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    household_type text NOT NULL,
    income_band text NOT NULL,
    monthly_amount numeric(19, 4) NOT NULL,
    PRIMARY KEY (version, jurisdiction, household_type, income_band)
);
