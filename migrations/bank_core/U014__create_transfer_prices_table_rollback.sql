DROP TABLE treasury.tp_rates;
REVOKE USAGE ON SCHEMA treasury FROM tp_writeback_user;
