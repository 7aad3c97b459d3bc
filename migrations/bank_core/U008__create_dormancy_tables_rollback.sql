DROP TABLE accounts.escheatment_submissions;
DROP TABLE accounts.dormancy_records;
