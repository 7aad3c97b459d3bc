"""Secrets of a live environment: what is there, who may read it, and how values get in."""
