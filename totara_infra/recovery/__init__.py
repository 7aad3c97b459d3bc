"""Disaster recovery: what shows a disaster, the way back as a runbook, and drills of it."""
