DROP TABLE core.term_deposits;
