CREATE TABLE app.restricted_activities (
    activity_code text NOT NULL,
    tenant_id text NOT NULL,
    jurisdiction text NOT NULL CHECK (jurisdiction IN ('NZ', 'AU')),
    description text NOT NULL,
    authorised boolean NOT NULL DEFAULT false,
    authorisation_reference text,
    PRIMARY KEY (tenant_id, jurisdiction, activity_code)
);
