"""Alerts in a live environment: whether they are wired, and whether they arrive."""
