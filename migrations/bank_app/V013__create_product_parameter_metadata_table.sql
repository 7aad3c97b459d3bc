CREATE TABLE app.product_parameter_metadata (
    parameter_key text PRIMARY KEY,
    value_type text NOT NULL,
    minimum numeric,
    maximum numeric,
    approval_role text NOT NULL,
    description text NOT NULL
);
