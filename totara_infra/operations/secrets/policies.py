"""Evaluates IAM policies for one principal of an account, the way AWS documents it.

IAM's own simulation can't answer who reads a secret: SimulateCustomPolicy and
SimulatePrincipalPolicy take no resource policy for a role (IAM API reference, `ResourcePolicy`).
A test holds this evaluator against the simulation wherever that has an answer.

What can't be known beforehand (an IP address, a session's multi-factor sign-in) is neither true nor
false: the verdict says what is possible and what is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from totara_infra.blueprint.pipeline_trust import ISSUER, condition_keys

Document = Mapping[str, Any]
"""A policy document as JSON gives it."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Principal:
    """A role or user with everything that decides what it may do.

    Attributes:
        arn: its ARN; for a role that of the role, which is what `aws:PrincipalArn` gives.
        account: its account id.
        policies: inline and attached identity policies.
        boundary: its permissions boundary.
        tags: its tags; None: not known.
        managed: ARNs of its managed policies, which are the last of `policies`.
        trust: who may assume it; of a role.
    """

    arn: str
    account: str
    policies: Sequence[Document] = ()
    boundary: Document | None = None
    tags: Mapping[str, str] | None = field(default_factory=dict)
    managed: Sequence[str] = ()
    trust: Document | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a principal may do something.

    Attributes:
        possible: there are circumstances in which it may.
        certain: it may whatever the circumstances are.
    """

    possible: bool
    certain: bool


@dataclass(frozen=True)
class _Request:
    principal: Principal
    action: str
    resource: str
    context: Mapping[str, str | None]

    def value(self, key: str) -> tuple[bool, str | None]:
        """Whether a condition key is known beforehand, and its value (None: it is absent)."""
        wanted = key.lower()
        if wanted.startswith("aws:principaltag/"):
            if self.principal.tags is None:
                return False, None
            tag = wanted.removeprefix("aws:principaltag/")
            return True, next((v for k, v in self.principal.tags.items() if k.lower() == tag), None)
        if wanted in self.context:
            return True, self.context[wanted]
        own = {
            "aws:principalarn": self.principal.arn,
            "aws:principalaccount": self.principal.account,
        }
        return (True, own[wanted]) if wanted in own else (False, None)


def decide(
    principal: Principal,
    action: str,
    resource: str,
    resource_policy: Document | None = None,
    context: Mapping[str, str | None] | None = None,
) -> Verdict:
    """Decide one request inside one account.

    Args:
        principal: who asks.
        action: e.g. `secretsmanager:GetSecretValue`.
        resource: ARN of what it is done to.
        resource_policy: the policy of that resource.
        context: further condition keys whose values are known, in lower case; None: known to be
            absent.

    Returns:
        What is possible and what is certain; organisation and session policies are not looked at.
    """
    request = _Request(principal, action, resource, context or {})
    identity = [s for d in principal.policies for s in _matches(d, request)]
    attached = list(_matches(resource_policy, request, named=True)) if resource_policy else []
    boundary = list(_matches(principal.boundary, request)) if principal.boundary else None
    granted = [*identity, *attached]
    denials = [m for effect, m in [*granted, *(boundary or [])] if effect == "Deny"]
    grants = [m for effect, m in granted if effect == "Allow"]
    limits = None if boundary is None else [m for effect, m in boundary if effect == "Allow"]
    return Verdict(
        possible=True not in denials
        and any(m is not False for m in grants)
        and (limits is None or any(m is not False for m in limits)),
        certain=all(m is False for m in denials)
        and True in grants
        and (limits is None or True in limits),
    )


def admits(trust: Document, provider: str, claims: Mapping[str, str]) -> Verdict:
    """Decide whether a token of GitHub Actions may assume a role.

    Args:
        trust: the role's trust policy.
        provider: ARN of GitHub's OIDC provider.
        claims: of the token. AWS knows some of them; a key of any other is absent.
    """
    prefix = f"{ISSUER}:".lower()
    context = condition_keys(claims)
    for statement in as_list(trust.get("Statement")):
        for keys in (statement.get("Condition") or {}).values():
            absent = [key.lower() for key in keys if key.lower().startswith(prefix)]
            context = dict.fromkeys(absent) | context
    account = provider.split(":")[4]
    action, everything = "sts:AssumeRoleWithWebIdentity", "*"
    return decide(Principal(provider, account), action, everything, trust, context)


def _matches(
    document: Document, request: _Request, *, named: bool = False
) -> Iterator[tuple[str, bool | None]]:
    """Effect of every statement, and whether it applies: True, False, or None for unknown."""
    for statement in as_list(document.get("Statement")):
        if not action_matches(statement, request.action):
            continue
        parts = [
            _names(statement, request) if named else True,
            _resource(statement, request),
            *(
                _condition(operator, key, as_list(expected), request)
                for operator, keys in (statement.get("Condition") or {}).items()
                for key, expected in keys.items()
            ),
        ]
        yield statement["Effect"], _all(parts)


def _all(parts: Sequence[bool | None]) -> bool | None:
    if False in parts:
        return False
    return None if None in parts else True


def _any(parts: Sequence[bool | None]) -> bool | None:
    if True in parts:
        return True
    return None if None in parts else False


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def as_list(value: Any) -> list[Any]:
    """What a policy gives as one value or as several, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _names(statement: Document, request: _Request) -> bool | None:
    """Whether a resource policy's statement speaks of the principal."""
    if "NotPrincipal" in statement:
        # Its rules for sessions and accounts are intricate, and AWS advises against it.
        return None
    principals = statement.get("Principal")
    if principals == "*":
        names = ["*"]
    else:
        kind = "Federated" if ":oidc-provider/" in request.principal.arn else "AWS"
        names = as_list((principals or {}).get(kind))
    account = request.principal.account
    root = {account, f"arn:aws:iam::{account}:root"}
    # An allow for the account leaves the decision to identity policies; a deny means everybody.
    whole = bool(root & set(names)) and statement["Effect"] == "Deny"
    return "*" in names or request.principal.arn in names or whole


def action_matches(statement: Document, action: str) -> bool:
    """Whether a statement speaks of a call."""

    def among(patterns: Any) -> bool:
        return any(_called(pattern, action) for pattern in as_list(patterns))

    if "Action" in statement:
        return among(statement["Action"])
    return not among(statement.get("NotAction"))


@cache
def _called(pattern: str, action: str) -> bool:
    return re.fullmatch(_expression(pattern), action, re.IGNORECASE) is not None


def _resource(statement: Document, request: _Request) -> bool | None:
    if "Resource" in statement:
        return _any([_like(p, request.resource, request) for p in as_list(statement["Resource"])])
    if "NotResource" in statement:
        patterns = as_list(statement["NotResource"])
        return _not(_any([_like(p, request.resource, request) for p in patterns]))
    return True


def _like(
    pattern: str,
    value: str,
    request: _Request,
    *,
    wildcards: bool = True,
    ignore_case: bool = False,
) -> bool | None:
    """Match after policy variables are filled in; None: a variable's value is unknown."""
    literal = _expression if wildcards else re.escape
    expression = ""
    rest = 0
    for variable in _VARIABLE.finditer(pattern):
        expression += literal(pattern[rest : variable.start()])
        rest = variable.end()
        name, _, default = (p.strip() for p in variable[1].partition(","))
        if name in ("*", "?", "$"):
            expression += re.escape(name)
            continue
        known, filled = request.value(name)
        if not known:
            return None
        filled = filled if filled is not None else (default.strip("'") or None)
        if filled is None:
            return False
        # What a variable brings in is literal: a tag `*` opens nothing.
        expression += re.escape(filled)
    expression += literal(pattern[rest:])
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.fullmatch(expression, value, flags) is not None


@cache
def _expression(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _condition(operator: str, key: str, expected: Sequence[Any], request: _Request) -> bool | None:
    """Whether one line of a condition holds; None where key or operator are not known here."""
    known, actual = request.value(key)
    if not known:
        return None
    name = operator.lower()
    if name == "null":
        return (actual is None) is (str(expected[0]).lower() == "true")
    quantifier, _, name = name.rpartition(":")
    optional = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    negated = "not" in name
    kind = name.replace("not", "")
    if kind not in _COMPARISONS:
        return None
    if actual is None:
        # A negated operator and "for all values" hold where there is nothing to compare.
        every = quantifier == "forallvalues"
        return optional or every or (negated and quantifier != "foranyvalue")
    texts = [str(e).lower() if isinstance(e, bool) else str(e) for e in expected]
    found = _any(
        [
            _like(
                text,
                actual,
                request,
                wildcards=kind in _WITH_WILDCARDS,
                ignore_case=kind in _IGNORING_CASE,
            )
            for text in texts
        ]
    )
    return _not(found) if negated else found


_WITH_WILDCARDS = frozenset({"stringlike", "arnlike", "arnequals"})
_IGNORING_CASE = frozenset({"stringequalsignorecase", "bool"})
_COMPARISONS = _WITH_WILDCARDS | _IGNORING_CASE | {"stringequals"}
