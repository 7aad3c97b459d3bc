DROP TABLE app.payment_previews;
DROP TABLE app.payees;
