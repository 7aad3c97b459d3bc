DROP TABLE kyc.idempotency_keys;
DROP FUNCTION kyc.fn_immutable_row();
