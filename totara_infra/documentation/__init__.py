"""The documentation site: pages written from the catalogue, the guides, and the decisions."""
