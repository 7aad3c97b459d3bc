DROP TABLE decision_inbox.delivery_log;
DROP TABLE decision_inbox.decision_result_inbox;
