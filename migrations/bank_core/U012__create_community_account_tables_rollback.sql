DROP TABLE core.community_governance_events;
DROP TABLE core.community_signing_rules;
DROP TABLE core.community_signatories;
DROP TABLE core.community_officers;
DROP TABLE core.community_accounts;
