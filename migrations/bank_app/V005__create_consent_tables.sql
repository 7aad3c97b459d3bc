CREATE TABLE app.ob_third_parties (
    third_party_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    profile text NOT NULL CHECK (profile IN ('au_cdr', 'nz_payments_nz', 'generic_fapi2')),
    external_id text NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    UNIQUE (profile, external_id)
);

CREATE TABLE app.ob_consents (
    consent_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    user_id uuid NOT NULL,
    third_party_id uuid NOT NULL REFERENCES app.ob_third_parties (third_party_id),
    scopes text[] NOT NULL,
    status text NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ob_consents_expiry_idx ON app.ob_consents (expires_at);

CREATE TABLE app.ob_consent_events (
    event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    consent_id uuid NOT NULL REFERENCES app.ob_consents (consent_id),
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
REVOKE UPDATE, DELETE, TRUNCATE ON app.ob_consent_events
FROM bank_app_app_user, bank_app_app_user_alt;
CREATE TRIGGER ob_consent_events_immutable_rows
BEFORE UPDATE OR DELETE ON app.ob_consent_events
FOR EACH ROW EXECUTE FUNCTION app.fn_immutable_row();
CREATE TRIGGER ob_consent_events_immutable_table
BEFORE TRUNCATE ON app.ob_consent_events
FOR EACH STATEMENT EXECUTE FUNCTION app.fn_immutable_row();
