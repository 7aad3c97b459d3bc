"""Backups of what no AWS service backs up by itself: configuration, users, metadata of secrets."""
