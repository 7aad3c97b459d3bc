DROP TABLE app.target_market_determinations;
