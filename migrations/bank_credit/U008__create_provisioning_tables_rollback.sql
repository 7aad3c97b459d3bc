DROP TABLE credit.ecl_provisions;
DROP TABLE credit.ecl_runs;
DROP TABLE credit.ifrs9_stage_allocations;
