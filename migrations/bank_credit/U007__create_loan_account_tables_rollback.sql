DROP TABLE credit.repayment_schedules;
DROP TABLE credit.loan_accounts;
