DROP TABLE aml.case_events;
DROP TABLE aml.aml_cases;
