"""What `make bench` measures: every figure that the project gives of itself comes from here."""
