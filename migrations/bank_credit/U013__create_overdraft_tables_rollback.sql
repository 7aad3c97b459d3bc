DROP TABLE credit.overdraft_events;
DROP TABLE credit.overdraft_daily_accruals;
DROP TABLE credit.overdraft_facilities;
