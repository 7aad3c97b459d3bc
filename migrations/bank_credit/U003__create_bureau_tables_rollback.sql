DROP TABLE credit.bureau_enquiries;
DROP TABLE credit.bureau_consents;
DROP TABLE credit.bureau_config;
