DROP TABLE aml.model_deployment_history;
DROP TABLE aml.behavioural_scores;
