"""Flyway, installed on demand into an environment of its own and run as a process of its own."""
