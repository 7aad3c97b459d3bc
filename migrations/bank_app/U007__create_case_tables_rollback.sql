DROP TABLE app.complaint_events;
DROP TABLE app.cases;
