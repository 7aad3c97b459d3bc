DROP TABLE decision_log.system_decisions;
