DROP TABLE payments.fx_rates;
