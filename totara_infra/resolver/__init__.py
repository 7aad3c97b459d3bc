"""From edges to phases, waves and order; which module is active for whom; and why. Pure."""

from totara_infra.resolver.activation import (
    ActivationState,
    Decision,
    activation,
    activation_beside,
    deployed_modules,
)
from totara_infra.resolver.edges import Edge
from totara_infra.resolver.sequence import PlacedModule, ResolvedPhase, Sequence, resolve
from totara_infra.resolver.validation import load_catalogue

__all__ = [
    "ActivationState",
    "Decision",
    "Edge",
    "PlacedModule",
    "ResolvedPhase",
    "Sequence",
    "activation",
    "activation_beside",
    "deployed_modules",
    "load_catalogue",
    "resolve",
]
