"""Totara Bank infrastructure as a library: catalogue, resolver, blueprint, components."""
