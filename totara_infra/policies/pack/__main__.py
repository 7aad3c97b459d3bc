"""The policy pack, as the engine starts it."""

from totara_infra.policies.enforcement import serve

serve()
