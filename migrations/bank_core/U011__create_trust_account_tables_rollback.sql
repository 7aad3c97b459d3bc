DROP TABLE accounts.account_party_relationships;
DROP TABLE core.trust_governance_events;
DROP TABLE core.trust_party_metadata;
DROP TABLE core.trust_accounts;
