CREATE TABLE notifications.templates (
    template_id text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('EMAIL', 'SMS', 'PUSH')),
    locale text NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (template_id, channel, locale, version)
);

CREATE TABLE notifications.preferences (
    party_id uuid NOT NULL,
    tenant_id text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('EMAIL', 'SMS', 'PUSH')),
    category text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    PRIMARY KEY (party_id, channel, category)
);

CREATE TABLE notifications.dedup_keys (
    dedup_key text PRIMARY KEY,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE TABLE notifications.audit_log (
    notification_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    party_id uuid,
    template_id text NOT NULL,
    channel text NOT NULL,
    attempt integer NOT NULL CHECK (attempt BETWEEN 1 AND 3),
    outcome text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
