DROP VIEW kyc.party_search_view;
DROP TABLE kyc.identity_documents;
DROP TABLE kyc.kyc_checks;
REVOKE USAGE ON SCHEMA kyc FROM app_readonly;
