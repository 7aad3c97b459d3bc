DROP TABLE core.transaction_log;
