DROP TABLE app.restricted_activities;
