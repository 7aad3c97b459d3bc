DROP TABLE aml.rule_executions;
DROP TABLE aml.aml_alerts;
