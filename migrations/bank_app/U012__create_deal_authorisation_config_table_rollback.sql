DROP TABLE app.deal_authorisation_config;
