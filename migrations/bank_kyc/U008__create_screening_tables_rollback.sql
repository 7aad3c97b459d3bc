DROP TABLE kyc.false_positive_decisions;
DROP TABLE kyc.sanctions_results;
