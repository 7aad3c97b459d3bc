DROP TABLE core.accrual_postings;
DROP TABLE core.accrual_runs;
