DROP TABLE app.product_parameter_metadata;
