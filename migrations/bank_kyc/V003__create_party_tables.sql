CREATE TABLE party.parties (
    party_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_type text NOT NULL CHECK (party_type IN ('PERSON', 'ORGANISATION', 'TRUST')),
    legal_name text NOT NULL,
    date_of_birth date,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE party.risk_scores_mirror (
    party_id uuid NOT NULL,
    composite_risk_score integer NOT NULL CHECK (composite_risk_score BETWEEN 0 AND 100),
    risk_tier text NOT NULL CHECK (risk_tier IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    score_version text NOT NULL,
    scored_at timestamptz NOT NULL,
    mirror_updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (party_id, scored_at)
);

CREATE TABLE banking.customer_relationships (
    relationship_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL REFERENCES party.parties (party_id),
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    kyc_status text NOT NULL DEFAULT 'NOT_STARTED',
    relationship_status text NOT NULL DEFAULT 'PROSPECT',
    established_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, party_id)
);

-- What lenders may see of a customer: that identity was established, and nothing of the documents.
CREATE VIEW banking.customer_relationships_identity_readable AS
SELECT
    relationship.tenant_id,
    relationship.party_id,
    relationship.jurisdiction,
    relationship.kyc_status,
    relationship.relationship_status
FROM banking.customer_relationships AS relationship;
GRANT SELECT ON banking.customer_relationships_identity_readable TO bank_kyc_readonly;

CREATE TABLE regulatory.party_regulatory_profiles (
    party_id uuid NOT NULL REFERENCES party.parties (party_id),
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    tenant_id text NOT NULL,
    politically_exposed boolean NOT NULL DEFAULT false,
    tax_residencies jsonb NOT NULL DEFAULT '[]',
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (party_id, jurisdiction)
);
