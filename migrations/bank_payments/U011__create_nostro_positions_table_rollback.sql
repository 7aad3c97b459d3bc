DROP TABLE payments.nostro_positions;
