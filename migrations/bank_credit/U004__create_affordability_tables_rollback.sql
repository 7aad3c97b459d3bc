DROP TABLE credit.hem_benchmarks;
DROP TABLE credit.affordability_assessments;
