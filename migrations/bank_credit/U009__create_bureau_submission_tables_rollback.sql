DROP TABLE credit.bureau_submission_batches;
DROP TABLE credit.credit_bureau_requests;
