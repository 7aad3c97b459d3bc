DROP TABLE credit.collateral_renewal_tasks;
DROP TABLE credit.collateral_release_requests;
DROP TABLE credit.collateral_valuations;
DROP TABLE credit.collateral_register;
