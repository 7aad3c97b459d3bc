DROP TABLE credit.credit_applications;
