DROP TABLE payments.reconciliation_exceptions;
DROP TABLE payments.settlement_files;
