DROP TABLE credit.credit_decisions;
DROP TABLE credit.credit_scores;
DROP TABLE credit.risk_scores_mirror;
