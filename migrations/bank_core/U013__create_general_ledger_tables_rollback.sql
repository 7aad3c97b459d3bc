DROP TABLE core.gl_governance_events;
DROP TABLE core.gl_account_proposals;
DROP TABLE core.gl_accounts;
