"""Proof that a customer of the client signs in."""

from __future__ import annotations

from totara_infra.delivery.customers import sign_in
from totara_infra.delivery.runbooks import Finding
from totara_infra.provisioning.proofs.asking import Asking


def customer_signed_in(asking: Asking) -> Finding:
    """The enrolled customer signs in again, and both tokens are as the claim map says."""
    session = sign_in(asking.client_id, asking.situation.name)
    if session.findings:
        said = "; ".join(f"{f.claim} {f.kind}" for f in session.findings)
        return Finding(False, f"The customer signs in, yet the tokens differ: {said}.")
    return Finding(True, f"A customer of {asking.client_id} signs in; both tokens are right.")
