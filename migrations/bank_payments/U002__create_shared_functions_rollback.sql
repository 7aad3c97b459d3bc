DROP FUNCTION payments.fn_immutable_row();
