DROP TABLE aml.regulatory_submissions;
