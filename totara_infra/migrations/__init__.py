"""Schema migrations of the eight databases: their rules, their order, and Flyway that runs them."""
