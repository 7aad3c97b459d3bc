-- Each row carries the hash of the party's previous one, so a missing row shows.
CREATE TABLE kyc.kyc_audit_events (
    event_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    party_id uuid NOT NULL,
    chain_position bigint NOT NULL,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    previous_hash bytea,
    row_hash bytea NOT NULL CHECK (octet_length(row_hash) = 32),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (party_id, chain_position)
);
REVOKE UPDATE, DELETE, TRUNCATE ON kyc.kyc_audit_events
FROM bank_kyc_app_user, bank_kyc_app_user_alt;
CREATE TRIGGER kyc_audit_events_immutable_rows
BEFORE UPDATE OR DELETE ON kyc.kyc_audit_events
FOR EACH ROW EXECUTE FUNCTION kyc.fn_immutable_row();
CREATE TRIGGER kyc_audit_events_immutable_table
BEFORE TRUNCATE ON kyc.kyc_audit_events
FOR EACH STATEMENT EXECUTE FUNCTION kyc.fn_immutable_row();
