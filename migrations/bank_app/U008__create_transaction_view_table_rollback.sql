DROP TABLE app.transaction_view;
