DROP TABLE accounts.postings;
DROP TABLE accounts.accounts;
