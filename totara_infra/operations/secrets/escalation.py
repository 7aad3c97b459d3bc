"""Searches for ways to protected data: what a role may read now, and after changes it may make.

A change is a call that gives somebody rights: a new policy of a secret, key or bucket, another
version of a managed policy, other code for a function, a role passed to a service. The search
follows those that AWS documents for the types that the platform deploys, and takes a condition that
can't be known beforehand as met. Rights over values that are stored later (another key for a
secret) are not among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from totara_infra.operations.secrets.policies import Document, Principal, action_matches, decide

CHANGES = 2
"""How many changes are tried in a row."""
DECRYPT = "kms:Decrypt"
_OPEN: Document = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}
_EVERYTHING: Document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_RUNNERS: Mapping[str, tuple[str, ...]] = {
    "cloudformation.amazonaws.com": ("cloudformation:CreateStack", "cloudformation:UpdateStack"),
    "codebuild.amazonaws.com": ("codebuild:CreateProject", "codebuild:UpdateProject"),
    "ec2.amazonaws.com": ("ec2:AssociateIamInstanceProfile", "ec2:RunInstances"),
    "ecs-tasks.amazonaws.com": ("ecs:RegisterTaskDefinition", "ecs:RunTask"),
    "glue.amazonaws.com": ("glue:CreateJob", "glue:UpdateJob"),
    "lambda.amazonaws.com": ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"),
    "sagemaker.amazonaws.com": ("sagemaker:CreateNotebookInstance",),
    "ssm.amazonaws.com": ("ssm:StartAutomationExecution",),
    "states.amazonaws.com": ("states:CreateStateMachine", "states:UpdateStateMachine"),
}
"""Service -> calls that let somebody run their own code or steps under a role passed to it."""
_SHELLS = ("ssm:SendCommand", "ssm:StartSession")
_USERS = ("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile")


@dataclass(frozen=True)
class Target:
    """Something that only named principals may read.

    Attributes:
        name: for people.
        arn: what is read.
        reading: the call that reads it.
        policy: its resource policy, if it has one.
        owner: ARN that the calls take which change the policy.
        opening: calls that put another policy there.
        removing: calls that take the policy away.
        key: ARN and policy of the KMS key that encrypts it.
        alias: of the key, with `alias/`.
        service: through which the key is used, e.g. `s3.eu-west-1.amazonaws.com`.
        readers: ARNs that may read it.
        context: further condition keys, in lower case.
    """

    name: str
    arn: str
    reading: str
    policy: Document | None
    owner: str
    opening: tuple[str, ...]
    removing: tuple[str, ...]
    key: tuple[str, Document]
    alias: str
    service: str
    readers: frozenset[str]
    context: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """Who is there, and what runs under which role.

    Attributes:
        principals: by ARN.
        functions: ARN of a Lambda function -> ARN of its role.
        lent: roles that the catalogue lends to another role, as (lender, role); not followed.
    """

    principals: Mapping[str, Principal]
    functions: Mapping[str, str]
    lent: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Way:
    """How a principal gets at a target.

    Attributes:
        target: its name.
        steps: what it does, in order; none where it may read at once.
    """

    target: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        """For people."""
        return " then ".join(self.steps) if self.steps else "reads it at once"


@dataclass(frozen=True)
class _Standing:
    """Identities that somebody controls, and the changes that it took."""

    identities: tuple[Principal, ...]
    steps: tuple[str, ...]


def ways(account: Account, start: Principal, targets: Sequence[Target]) -> list[Way]:
    """The shortest way of a principal to each target that it is no reader of.

    Args:
        account: the others.
        start: who it is about.
        targets: what is protected.

    Returns:
        In the order of the targets; nothing for one that is out of reach.
    """
    found: dict[str, Way] = {}
    missing = [t for t in targets if start.arn not in t.readers]
    # The cheapest first, so what one reaches needs no look at the others.
    for standing in _reach(account, start):
        if not missing:
            break
        for target in missing:
            options = list(_reads(standing, target))
            if options:
                way = Way(target.name, min(options, key=len))
                if target.name not in found or len(way.steps) < len(found[target.name].steps):
                    found[target.name] = way
        missing = [
            t
            for t in missing
            if t.name not in found or len(found[t.name].steps) > len(standing.steps)
        ]
    return [found[t.name] for t in targets if t.name in found]


def _reach(account: Account, start: Principal) -> Iterator[_Standing]:
    """Every set of identities that can be had with few enough changes, the cheapest first."""
    first = _Standing((start,), ())
    waiting: list[list[_Standing]] = [[first], *([] for _ in range(CHANGES))]
    seen = {_signature(first)}
    for cost, level in enumerate(waiting):
        while level:
            standing = level.pop(0)
            yield standing
            for changes, step, identity in _moves(account, standing):
                if cost + changes > CHANGES:
                    continue
                kept = tuple(i for i in standing.identities if i.arn != identity.arn)
                steps = (*standing.steps, step) if changes else standing.steps
                following = _Standing((*kept, identity), steps)
                if _signature(following) not in seen:
                    seen.add(_signature(following))
                    waiting[cost + changes].append(following)


def _signature(standing: _Standing) -> frozenset[tuple[object, ...]]:
    """What tells one set of identities from another: documents are shared, so their ids do."""
    return frozenset(
        (i.arn, frozenset(map(id, i.policies)), id(i.boundary), i.tags is None)
        for i in standing.identities
    )


def _moves(account: Account, standing: _Standing) -> Iterator[tuple[int, str, Principal]]:
    """What the identities can do to have more: number of changes, words, the identity won."""
    held = {i.arn: i for i in standing.identities}
    for actor in standing.identities:
        for other in account.principals.values():
            if other.arn not in held:
                yield from _becoming(account, actor, other)
        for own in standing.identities:
            yield from _strengthening(actor, own)
        for function, role in account.functions.items():
            if role not in account.principals or role in held:
                continue
            if _may(actor, "lambda:UpdateFunctionCode", function):
                yield 1, f"UpdateFunctionCode of {_short(function)}", account.principals[role]


def _becoming(
    account: Account, actor: Principal, other: Principal
) -> Iterator[tuple[int, str, Principal]]:
    if ":user/" in other.arn:
        for call in _USERS:
            if _may(actor, call, other.arn):
                yield 1, f"{call} for {_short(other.arn)}", other
        return
    if (actor.arn, other.arn) not in account.lent and _assumes(actor, other):
        yield 0, "", other
    if _may(actor, "iam:UpdateAssumeRolePolicy", other.arn):
        yield 1, f"UpdateAssumeRolePolicy of {_short(other.arn)}", other
    for service, calls in _RUNNERS.items():
        if not _trusts_service(other, service):
            continue
        if _may(actor, "iam:PassRole", other.arn, {"iam:passedtoservice": service}):
            for call in calls:
                if _somewhere(actor, call):
                    yield 1, f"PassRole of {_short(other.arn)} with {call}", other
    if _trusts_service(other, "ec2.amazonaws.com"):
        for call in _SHELLS:
            if _somewhere(actor, call):
                yield 1, f"{call} on a machine with {_short(other.arn)}", other


def _strengthening(actor: Principal, own: Principal) -> Iterator[tuple[int, str, Principal]]:
    """Changes that give an identity more rights, or take a denial from it."""
    if ":role/" not in own.arn:
        return
    name, policies = _short(own.arn), tuple(own.policies)
    for call in ("iam:AttachRolePolicy", "iam:PutRolePolicy"):
        if _may(actor, call, own.arn):
            yield 1, f"{call} on {name}", replace(own, policies=(*policies, _EVERYTHING))
    for call in ("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"):
        if own.boundary is not None and _may(actor, call, own.arn):
            yield 1, f"{call} on {name}", replace(own, boundary=None)
    if own.tags is not None and _may(actor, "iam:TagRole", own.arn):
        yield 1, f"iam:TagRole on {name}", replace(own, tags=None)
    first = len(policies) - len(own.managed)
    for index, arn in enumerate(own.managed, start=first):
        for call in ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"):
            if _may(actor, call, arn):
                changed = (*policies[:index], _EVERYTHING, *policies[index + 1 :])
                yield 1, f"{call} of {_short(arn)}", replace(own, policies=changed)
    for call in ("iam:DeleteRolePolicy", "iam:DetachRolePolicy"):
        if _may(actor, call, own.arn):
            yield from (
                (1, f"{call} on {name}", replace(own, policies=_without(policies, i), managed=()))
                for i in range(len(policies))
            )


def _without(policies: tuple[Document, ...], index: int) -> tuple[Document, ...]:
    return policies[:index] + policies[index + 1 :]


def _assumes(actor: Principal, role: Principal) -> bool:
    """Whether one may assume a role: its trust names the actor, or the account and IAM allows."""
    call, trust = "sts:AssumeRole", role.trust
    if trust is None or not decide(actor, call, role.arn, trust).possible:
        return False
    if decide(Principal(actor.arn, actor.account), call, role.arn, trust).possible:
        return True
    root = Principal(f"arn:aws:iam::{actor.account}:root", actor.account)
    # A trust policy has no resource, and names the account as its root.
    return decide(root, call, role.arn, trust).possible and _may(actor, call, role.arn)


def _trusts_service(role: Principal, service: str) -> bool:
    text = str(role.trust or {})
    return f"'{service}'" in text


def _may(
    actor: Principal,
    action: str,
    resource: str,
    context: Mapping[str, str | None] | None = None,
) -> bool:
    return decide(actor, action, resource, context=context).possible


def _somewhere(actor: Principal, action: str) -> bool:
    """Whether a call is allowed on whatever resource, and not denied on all."""
    statements = [s for d in actor.policies for s in d.get("Statement", [])]
    matching = [s for s in statements if action_matches(s, action)]
    everywhere = ("*", ["*"])
    denied = any(
        s["Effect"] == "Deny" and not s.get("Condition") and s.get("Resource") in everywhere
        for s in matching
    )
    return not denied and any(s["Effect"] == "Allow" for s in matching)


def _reads(standing: _Standing, target: Target) -> Iterator[tuple[str, ...]]:
    """The changes after which an identity, or somebody from outside, reads the target."""
    changers = standing.identities
    openings = _openings(changers, target)
    key_openings = _key_openings(changers, target)
    outsider = Principal("arn:aws:iam::999999999999:role/Outsider", "999999999999")
    for reader in (*standing.identities, outsider):
        first = _least(
            reader, target.reading, target.arn, target.policy, openings, dict(target.context)
        )
        arn, policy = target.key
        through: dict[str, str | None] = {
            "kms:viaservice": target.service,
            "kms:resourcealiases": target.alias,
        }
        second = _least(reader, DECRYPT, arn, policy, key_openings, through)
        if first is not None and second is not None:
            steps = (*standing.steps, *first, *second)
            if len(steps) <= CHANGES:
                yield steps


def _least(
    reader: Principal,
    action: str,
    arn: str,
    policy: Document | None,
    openings: Sequence[tuple[str, Document | None]],
    context: Mapping[str, str | None],
) -> tuple[str, ...] | None:
    """The change that lets a reader make a call; none needed: empty, none helps: None."""
    if decide(reader, action, arn, policy, context).possible:
        return ()
    for step, changed in openings:
        if decide(reader, action, arn, changed, context).possible:
            return (step,)
    return None


def _openings(changers: Sequence[Principal], target: Target) -> list[tuple[str, Document | None]]:
    found: list[tuple[str, Document | None]] = []
    for calls, result in ((target.opening, _OPEN), (target.removing, None)):
        found += [
            (f"{call} of {target.name}", result)
            for call in calls
            if any(_may(c, call, target.owner, target.context) for c in changers)
        ]
    return found


def _key_openings(
    changers: Sequence[Principal], target: Target
) -> list[tuple[str, Document | None]]:
    arn, _ = target.key
    # A call that somebody makes comes through no service, and a grant is then for no resource.
    direct: dict[str, str | None] = {"kms:viaservice": None, "kms:grantisforawsresource": None}
    return [
        (f"{call} of {_short(arn)}", _OPEN)
        for call in ("kms:PutKeyPolicy", "kms:CreateGrant")
        if any(_may(c, call, arn, direct) for c in changers)
    ]


def _short(arn: str) -> str:
    return arn.split(":", 5)[-1].split("/", 1)[-1]
