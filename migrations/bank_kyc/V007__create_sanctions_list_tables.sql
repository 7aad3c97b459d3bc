CREATE TABLE kyc.sanctions_lists (
    list_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    source text NOT NULL,
    version text NOT NULL,
    entry_count integer NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    active boolean NOT NULL DEFAULT false,
    UNIQUE (source, version)
);

CREATE TABLE kyc.sanctions_list_entries (
    entry_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    list_id uuid NOT NULL REFERENCES kyc.sanctions_lists (list_id),
    primary_name text NOT NULL,
    aliases jsonb NOT NULL DEFAULT '[]',
    entry_type text NOT NULL,
    details jsonb NOT NULL
);
CREATE INDEX sanctions_list_entries_list_idx ON kyc.sanctions_list_entries (list_id);
