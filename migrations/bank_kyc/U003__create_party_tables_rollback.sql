DROP TABLE regulatory.party_regulatory_profiles;
DROP VIEW banking.customer_relationships_identity_readable;
DROP TABLE banking.customer_relationships;
DROP TABLE party.risk_scores_mirror;
DROP TABLE party.parties;
