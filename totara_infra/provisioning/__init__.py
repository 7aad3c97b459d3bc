"""The provisioning playbook, taken: which steps apply, and the checks behind their signals."""
