DROP TABLE app.customer_sessions;
DROP TABLE access.device_credentials;
DROP TABLE access.device_registry;
