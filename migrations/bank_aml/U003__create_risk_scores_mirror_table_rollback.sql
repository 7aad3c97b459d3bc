DROP TABLE aml.risk_scores_mirror;
