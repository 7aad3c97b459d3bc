DROP TABLE kyc.fp_metrics_monthly;
DROP TABLE kyc.fp_review_queue;
