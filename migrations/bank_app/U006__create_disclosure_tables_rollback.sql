DROP TABLE app.dcs_fcs_disclosures;
DROP TABLE app.disclosure_acks;
DROP TABLE app.disclosures;
DROP TABLE app.product_configurations;
