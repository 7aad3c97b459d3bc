DROP TABLE accounts.kyc_status_mirror;
