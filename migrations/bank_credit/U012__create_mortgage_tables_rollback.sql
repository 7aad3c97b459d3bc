DROP TABLE credit.break_cost_disclosures;
DROP TABLE credit.mortgage_notifications;
DROP TABLE credit.mortgage_rate_periods;
