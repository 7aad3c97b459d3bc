DROP TABLE credit.lvr_snapshots;
DROP TABLE credit.property_security_details;
