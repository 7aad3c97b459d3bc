CREATE TABLE credit.bureau_config (
    tenant_id text NOT NULL,
    bureau text NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    priority integer NOT NULL CHECK (priority > 0),
    enabled boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, jurisdiction, bureau),
    UNIQUE (tenant_id, jurisdiction, priority)
);

CREATE TABLE credit.bureau_consents (
    consent_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    purpose text NOT NULL,
    given_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);

CREATE TABLE credit.bureau_enquiries (
    enquiry_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    consent_id uuid NOT NULL REFERENCES credit.bureau_consents (consent_id),
    bureau text NOT NULL,
    response_digest bytea NOT NULL,
    score integer,
    enquired_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bureau_enquiries_party_idx ON credit.bureau_enquiries (party_id, enquired_at);
REVOKE UPDATE, DELETE, TRUNCATE ON credit.bureau_enquiries
FROM bank_credit_app_user, bank_credit_app_user_alt;
CREATE TRIGGER bureau_enquiries_immutable_rows
BEFORE UPDATE OR DELETE ON credit.bureau_enquiries
FOR EACH ROW EXECUTE FUNCTION credit.fn_immutable_row();
CREATE TRIGGER bureau_enquiries_immutable_table
BEFORE TRUNCATE ON credit.bureau_enquiries
FOR EACH STATEMENT EXECUTE FUNCTION credit.fn_immutable_row();
