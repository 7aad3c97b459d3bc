DROP TABLE kyc.acceptance_decisions;
