DROP TABLE core.fee_events;
DROP TABLE core.fee_schedule;
