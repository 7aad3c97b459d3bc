DROP TABLE kyc.cdd_tier_assignments;
