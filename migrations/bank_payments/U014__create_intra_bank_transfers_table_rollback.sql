DROP TABLE payments.intra_bank_transfers;
