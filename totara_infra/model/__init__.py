"""Pydantic models of the catalogue, a tenant and a stack. No Pulumi, no AWS."""
