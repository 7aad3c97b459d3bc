DROP TABLE app.ob_consent_events;
DROP TABLE app.ob_consents;
DROP TABLE app.ob_third_parties;
