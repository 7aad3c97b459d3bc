DROP TABLE kyc.kyc_audit_events;
