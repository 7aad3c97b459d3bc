CREATE TABLE app.account_summary (
    account_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    user_id uuid NOT NULL,
    available_balance numeric(19, 4) NOT NULL,
    currency text NOT NULL,
    refreshed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX account_summary_user_idx ON app.account_summary (user_id);

CREATE TABLE app.dashboard_insight_card (
    card_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    content jsonb NOT NULL,
    shown_from timestamptz NOT NULL DEFAULT now(),
    dismissed_at timestamptz
);
