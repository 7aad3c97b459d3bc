DROP TABLE core.rate_change_events;
DROP TABLE core.rate_change_proposals;
DROP TABLE accounts.interest_rates;
