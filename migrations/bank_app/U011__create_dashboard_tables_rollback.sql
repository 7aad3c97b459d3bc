DROP TABLE app.dashboard_insight_card;
DROP TABLE app.account_summary;
