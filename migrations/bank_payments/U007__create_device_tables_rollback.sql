DROP TABLE payments.session_observations;
DROP TABLE payments.device_intelligence;
