DROP TABLE payments.scam_scored_payees;
DROP TABLE payments.fraud_scores;
