"""A catalogue small enough to read, with every kind of declaration."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import yaml

from totara_infra.model import recovery
from totara_infra.model.loading import CATALOGUE_DIRECTORY

DOMAINS = {
    "SD01": ("core", "bank-core", "CoreBanking"),
    "SD02": ("kyc", "bank-kyc", "Kyc"),
    "SD03": ("aml", "bank-aml", "Aml"),
    "SD04": ("payments", "bank-payments", "Payments"),
    "SD05": ("credit", "bank-credit", "Credit"),
    "SD06": ("risk", "bank-risk-platform", "Risk"),
    "SD07": ("platform", "bank-platform", "Platform"),
    "SD08": ("app", "bank-app", "App"),
}


def module(module_id: str, needs: list[str] | None = None, **content: Any) -> dict[str, Any]:
    number = module_id.removeprefix("MOD-")
    declared: dict[str, Any] = {
        "id": module_id,
        "title": f"Module {number}",
        "slug": f"module-{number}",
        "service": f"service-{number}",
        "purpose": f"Does what module {number} does.",
        "depends_on": [
            {"module": n, "provenance": "published", "reason": f"Reads what {n} publishes."}
            for n in needs or []
        ],
    }
    if not needs:
        declared["dependency_note"] = "It is a root."
    return declared | content


def _database_secrets() -> list[dict[str, Any]]:
    return [
        {
            "path": f"/bank/{{env}}/{segment}/neon-db-url",
            "content": "pooled database URL",
            "format": "postgresql_url",
            "readers": [domain],
            "why": f"The modules of {domain} reach their database with it.",
        }
        for domain, (segment, _, _) in DOMAINS.items()
    ]


def _sign_in_parameters() -> list[dict[str, Any]]:
    return [
        {
            "path": f"/bank/{{env}}/authentication-session-management/{name}",
            "type": "integer",
            "unit": unit,
            "default": default,
            "readers": ["MOD-068"],
            "why": "The pools and their trigger take it.",
        }
        for name, unit, default in (
            ("customer-access-lifetime", "hours", 1),
            ("customer-refresh-lifetime", "days", 30),
            ("staff-access-lifetime", "hours", 1),
            ("staff-session-lifetime", "hours", 8),
            ("licence-grace-time", "seconds", 900),
        )
    ]


def _claims() -> list[dict[str, Any]]:
    both = ["customers", "staff"]
    return (
        [
            {
                "name": f"custom:{name}",
                "pools": list(both),
                "tokens": ["id", "access"],
                "origin": "attribute",
                "attribute": name,
                "decides_access": True,
                "readable_by": ["mobile-app"],
                "relied_on_by": ["MOD-068"],
                "why": "It lies within the licence.",
            }
            for name in ("tenant_id", "jurisdiction")
        ]
        + [
            {
                "name": name,
                "pools": [pool],
                "tokens": ["id"],
                "origin": "standard",
                "readable_by": list(clients),
                "writable_by": list(clients) if name == attribute else [],
                "why": "People sign in with it.",
            }
            for attribute, pool, clients in (
                ("phone_number", "customers", ["mobile-app", "service"]),
                ("email", "staff", ["staff-portal"]),
            )
            for name in (attribute, f"{attribute}_verified")
        ]
        + [*_group_claims(), *_token_claims()]
    )


def _group_claims() -> list[dict[str, Any]]:
    return [
        {
            "name": "cognito:groups",
            "pools": [pool],
            "tokens": ["id", "access"],
            "origin": "group",
            "values": [group],
            "decides_access": True,
            "why": "Carries the roles.",
        }
        for pool, group in (("customers", "customers"), ("staff", "operations"))
    ]


def _token_claims() -> list[dict[str, Any]]:
    """What Cognito and the trigger put into every token."""
    both = ["id", "access"]
    standard = {
        **dict.fromkeys(("sub", "iss", "token_use", "auth_time", "iat", "exp", "jti"), both),
        **dict.fromkeys(("origin_jti", "event_id"), both),
        **{name: ["access"] for name in ("client_id", "username")},
        "cognito:username": ["id"],
    }
    trigger: dict[str, dict[str, Any]] = {
        "aud": {},
        "mfa_completed": {"values": ["true", "false"]},
        "scope": {"values": ["openid", "bank-api/read", "bank-api/transact"]},
    }
    shared = {"pools": ["customers", "staff"], "why": "Every token has it."}
    return [
        {"name": name, "tokens": list(tokens), "origin": "standard", "required": name != "event_id"}
        | copy.deepcopy(shared)
        for name, tokens in standard.items()
    ] + [
        {"name": name, "tokens": list(both), "origin": "trigger"} | more | copy.deepcopy(shared)
        for name, more in trigger.items()
    ]


def _claim_lock() -> dict[str, Any]:
    locked = [
        {"name": name, "type": "String", "mutable": True, "maximum_length": 256}
        for name in ("tenant_id", "jurisdiction")
    ]
    return {"pools": {"customers": locked, "staff": copy.deepcopy(locked)}}


def _shared() -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = [
        {"kind": "key", "name": name, "source": "resource", "why": f"Encrypts {name} data."}
        for name in ("financial", "operational", "pii")
    ]
    for domain, (segment, bus, role) in DOMAINS.items():
        resources += [
            {
                "kind": "event_bus",
                "name": bus,
                "source": "resource",
                "archive_days": 30,
                "dead_letter_queue": f"bank-{segment}-dlq",
                "dead_letter_retention_days": 14,
                "why": f"Carries the events of {domain}.",
            },
            {
                "kind": "role",
                "name": f"Bank{role}Role",
                "source": "resource",
                "domain": domain,
                "purpose": f"runs the functions of {domain}",
                "why": "Least privilege.",
            },
        ]
    resources.append(
        {
            "kind": "policy",
            "name": "bank-secrets-read",
            "source": "resource",
            "attached_to_domains": "all",
            "statements": [
                {
                    "id": "ReadOwnSecrets",
                    "effect": "Allow",
                    "actions": ["secretsmanager:GetSecretValue"],
                    "resources": [
                        "arn:aws:secretsmanager:{region}:{account}:secret:/bank/{env}/"
                        "${aws:PrincipalTag/domain}/*"
                    ],
                },
                {
                    "id": "DecryptSecrets",
                    "effect": "Allow",
                    "actions": ["kms:Decrypt"],
                    "resources": ["arn:aws:kms:{region}:{account}:key/*"],
                },
            ],
            "why": "Opens each domain its own secrets.",
        }
    )
    resources.append(
        {
            "kind": "bucket",
            "name": "bank-{env}-documents{suffix}",
            "source": "resource",
            "key_class": "pii",
            "noncurrent_expiry_days": 90,
            "noncurrent_expiry_days_below_prod": 7,
            "why": "Holds documents.",
        }
    )
    resources.append(_topic("bank-platform-alerts-{env}"))
    return resources


def _topic(name: str) -> dict[str, Any]:
    return {"kind": "topic", "name": name, "source": "resource", "why": "Carries alerts."}


def _alert(alert_id: str, module_id: str, metric: str, **content: Any) -> dict[str, Any]:
    return {
        "id": alert_id,
        "module": module_id,
        "title": f"Something is wrong with {metric}",
        "metric": {
            "namespace": "bank/modules",
            "name": metric,
            "emitter": module_id,
            "unit": "events",
        },
        "statistic": "Sum",
        "comparison": ">",
        "threshold": 0,
        "period": 60,
        "missing_data": "not-breaching",
        "severity": "P2",
        "why": "Somebody must look at it.",
        "runbook": "postings",
    } | content


def _alerts() -> dict[str, Any]:
    def route(route_id: str, severities: list[str], **content: Any) -> dict[str, Any]:
        return {
            "id": route_id,
            "recipients": "somebody",
            "severities": severities,
            "queue": f"bank-alerts-{route_id}-{{env}}",
            "why": "Somebody must hear of it.",
        } | content

    return {
        "intake": "mod076-alarm-intake",
        "topic": "bank-platform-alerts-{env}",
        "router": "bank-alarm-router-{env}",
        "routes_in": ["uat", "prod"],
        "routes": [
            route("on-call", ["P1", "P2"]),
            route("compliance", ["P1"], regulatory_only=True),
            route("tickets", ["P3"]),
        ],
        "alerts": [
            _alert("ALERT-POSTING-001", "MOD-001", "PostingAttempts", threshold=3,
                   figure="setting:core.posting.attempts", statistic="p99",
                   evaluation_periods=2, datapoints=1),
            _alert("ALERT-POSTING-002", "MOD-001", "PostingFailures", severity="P1",
                   environments={"dev": {"severity": "P3", "why": "Nobody posts here."}}),
            _alert("ALERT-LEDGER-001", "MOD-002", "HashMismatches", severity="P1",
                   regulatory=True),
            _alert("ALERT-LEDGER-002", "MOD-002", "ChainsVerified", comparison="<", threshold=1,
                   missing_data="fault"),
            _alert("ALERT-SECRETS-001", "MOD-076", "RotationFailures", watches=["MOD-045"]),
        ],
        "groups": [
            {
                "id": "ALERT-POSTING-100",
                "module": "MOD-001",
                "title": "Posting is slow",
                "any_of": ["ALERT-POSTING-001"],
                "unless": ["ALERT-POSTING-002"],
                "why": "What fails is tried again, and takes long.",
                "runbook": "postings",
            }
        ],
    }  # fmt: skip


def _stores() -> dict[str, Any]:
    def method(method_id: str, minutes: int, *losses: str, **content: Any) -> dict[str, Any]:
        return {
            "id": method_id, "title": f"Method {method_id}", "mechanism": "Somebody keeps it.",
            "schedule": "always", "recovery_point_minutes": minutes, "retention": "a week",
            "protects_from": list(losses), "restore": [{"do": "Bring it back."}],
        } | content  # fmt: skip

    def store(store_id: str, covers: list[str], methods: list[str], **more: Any) -> dict[str, Any]:
        return {
            "id": store_id, "title": f"Store {store_id}", "covers": covers, "owner": "MOD-104",
            "methods": methods, "why": "It is needed.",
        } | more  # fmt: skip

    buses = [bus for _, bus, _ in DOMAINS.values()]
    return {
        "vault": {
            "name": "bank-{env}-recovery-points",
            "owner": "MOD-104",
            "role": "BankBackupRole",
            "key_class": "financial",
            "lock": {
                "environments": ["prod"],
                "minimum_retention_days": 7,
                "maximum_retention_days": 400,
                "changeable_for_days": 3,
                "why": "Nobody shortens it.",
            },
            "copies": {
                "name": "bank-{env}-copies",
                "environments": ["prod"],
                "why": "A region can be lost.",
            },
        },
        "plans": [
            {
                "id": "daily",
                "why": "A day may be lost.",
                "rules": [
                    {
                        "name": "every-day", "schedule": "cron(0 15 * * ? *)",
                        "continuous": True, "delete_after_days": 35,
                        "delete_after_days_below_prod": 3, "interval_hours": 24,
                        "copy_to_recovery_region": True,
                    },
                    {
                        "name": "every-month", "schedule": "cron(0 16 1 * ? *)",
                        "cold_storage_after_days": 30, "delete_after_days": 365,
                        "environments": ["prod"], "interval_hours": 744,
                    },
                ],
            }
        ],
        "exports": {
            "bucket": "bank-{env}-documents{suffix}", "key_class": "pii", "interval_hours": 1,
            "environments": ["prod"], "why": "Nobody else keeps it.",
        },
        "methods": [
            method("history", 1, "mistake", "store"),
            method("points", 15, "mistake", "store", plan="daily"),
            method("export", 60, "mistake", "store", "region"),
        ],
        "stores": [
            store("databases", [f"database:bank_{s}" for s, _, _ in DOMAINS.values()], ["history"]),
            store("documents", ["bucket:bank-{env}-documents{suffix}"], ["points"]),
            store("archives", [f"event_bus:{bus}" for bus in buses], ["history"]),
            store("keys", [f"key:{k}" for k in ("financial", "operational", "pii")], ["history"]),
            store(
                "exported",
                ["parameters:all", "secrets:all", "configuration:all", "user_pool:customers",
                 "user_pool:staff"],
                ["export"],
            ),
            store("state", ["state:all"], ["history"], owner="MOD-001", serves="SD01"),
        ],
    }  # fmt: skip


def _provisioning() -> dict[str, Any]:
    """The platform's own playbook without what third parties supply: there are none here."""
    whole = yaml.safe_load((CATALOGUE_DIRECTORY / "provisioning.yaml").read_text(encoding="utf-8"))
    steps = [step for step in whole["provision"] if "supplier" not in step]
    ids = {step["id"] for step in steps}
    for step in steps:
        if "needs" in step:
            step["needs"] = [needed for needed in step["needs"] if needed in ids]
    return whole | {"suppliers": [], "provision": steps}


def content() -> dict[str, Any]:
    """File name -> content of the small catalogue."""
    modules: dict[str, list[dict[str, Any]]] = {
        "SD01": [
            module(
                "MOD-001",
                ["MOD-103", "MOD-104"],
                secrets=[
                    {
                        "path": "/bank/{env}/core/statement-signing-key",
                        "content": "key that signs statements",
                        "format": "hmac_key",
                        "readers": ["SD01"],
                        "why": "A statement that was altered is recognised by it.",
                    }
                ],
                parameters=[
                    {
                        "path": "/bank/{env}/service-001/window",
                        "type": "integer",
                        "unit": "hours",
                        "default": 24,
                        "readers": ["MOD-001"],
                        "why": "How long a repeat is recognised.",
                    }
                ],
                settings=[
                    {
                        "key": "core.posting.attempts",
                        "type": "integer",
                        "default": 3,
                        "minimum": 1,
                        "maximum": 10,
                        "readers": ["MOD-001"],
                        "overridable": True,
                        "why": "How often publishing is tried.",
                    }
                ],
            ),
            module("MOD-002", ["MOD-001"]),
            module("MOD-118", ["MOD-001"]),
        ],
        "SD02": [module("MOD-009", ["MOD-103"])],
        "SD03": [module("MOD-016", ["MOD-002"])],
        "SD04": [module("MOD-020", ["MOD-002", "MOD-009"])],
        "SD05": [module("MOD-027", ["MOD-009"])],
        "SD06": [module("MOD-032", ["MOD-102"])],
        "SD07": [
            module("MOD-045", ["MOD-104"]),
            module("MOD-046", ["MOD-045"]),
            module(
                "MOD-076",
                ["MOD-104"],
                resources=[
                    _topic("mod076-alarm-intake"),
                    {
                        "kind": "function",
                        "name": "bank-alarm-router-{env}",
                        "source": "resource",
                        "why": "Takes alarms to the topic.",
                    },
                ],
            ),
            module("MOD-102"),
            module("MOD-103", ["MOD-104"], secrets=_database_secrets()),
            module(
                "MOD-104",
                parameters=[
                    {
                        "path": "/bank/{env}/kms/pii/arn",
                        "type": "arn",
                        "source": "resource",
                        "attribute": "key/pii#arn",
                        "readers": "all",
                        "why": "Names the key.",
                    },
                    {
                        "path": "/bank/{env}/cognito/customers/pool-id",
                        "type": "string",
                        "source": "resource",
                        "attribute": "user_pool/customers#id",
                        "readers": "all",
                        "why": "Names the pool whose tokens are checked.",
                    },
                    {
                        "path": "/bank/{env}/appconfig/poll-interval",
                        "type": "integer",
                        "unit": "seconds",
                        "default": 60,
                        "readers": "all",
                        "why": "How often settings are asked for.",
                    },
                    {
                        "path": "/bank/{env}/tenant-{client_id}/institution-type",
                        "tenant_field": "institution_type",
                        "readers": "all",
                        "why": "Whether members own it.",
                    },
                ],
                settings=[
                    {
                        "key": f"deployment.{field}",
                        "profile": "deployment",
                        "type": "string",
                        # Sign-in follows a status at once; the others are fixed.
                        "reload": "hot" if field == "status" else "redeploy",
                        "tenant_field": field,
                        "readers": "all",
                        "why": "Whose values these are.",
                    }
                    for field in ("client_id", "jurisdiction", "status")
                ],
                resources=_shared(),
            ),
            module("MOD-158", ["MOD-103"], environments=["local", "dev", "uat"]),
        ],
        "SD08": [
            module("MOD-049", ["MOD-068"]),
            module("MOD-068", ["MOD-104"], parameters=_sign_in_parameters()),
        ],
    }
    files: dict[str, Any] = {}
    for domain, (segment, bus, role) in DOMAINS.items():
        files[f"domains/{domain.lower()}.yaml"] = {
            "id": domain,
            "title": role,
            "slug": f"domain-{segment}",
            "repository": bus,
            "path_segment": segment,
            "database": f"bank_{segment}",
            "event_bus": bus,
            "recovery": {
                "tier": "critical",
                "recovery_time_hours": 4,
                "recovery_point_hours": 1,
                "provenance": "assumed",
            },
            "claims": _claims() if domain == "SD07" else [],
            "modules": modules[domain],
        }
    files["claims.lock.yaml"] = _claim_lock()
    files["databases.yaml"] = {
        "databases": [
            {"name": f"bank_{segment}", "domain": domain, "schemas": []}
            for domain, (segment, _, _) in DOMAINS.items()
        ]
    }
    files["alerts.yaml"] = _alerts()
    files["stores.yaml"] = _stores()
    files["provisioning.yaml"] = _provisioning()
    files["sequence.yaml"] = {
        "phases": [
            {
                "id": 1, "title": "Bootstrap", "why": "The base comes first.",
                "steps": [["MOD-104"], ["MOD-103"], ["MOD-045"], ["MOD-076", "MOD-102", "MOD-046"]],
                "pinned": ["MOD-104"], "provenance": "published",
            },
            {
                "id": 2, "title": "Identity", "why": "Who is who.",
                "domains": ["SD07", "SD02"], "modules": ["MOD-068"], "provenance": "assumed",
            },
            {
                "id": 3, "title": "Core", "why": "The ledger.", "domains": ["SD01"],
                "provenance": "published",
            },
            {
                "id": 4, "title": "Business", "why": "All that posts.",
                "domains": ["SD03", "SD04", "SD05", "SD06"], "provenance": "published",
            },
            {
                "id": 5, "title": "Channels", "why": "Customers come last.",
                "domains": ["SD08"], "provenance": "assumed",
            },
            {
                "id": 6, "title": "Test data", "why": "It needs everything.",
                "modules": ["MOD-158"], "pinned": ["MOD-158"], "provenance": "assumed",
            },
        ],
        "rules": [
            {
                "id": "ledger-first", "before": ["SD01"], "after": ["SD04"],
                "reason": "Events would be lost.", "provenance": "published",
            }
        ],
    }  # fmt: skip
    files["tenancy.yaml"] = {
        "options": [
            {
                "id": "fx", "title": "Foreign exchange", "why": "Money abroad.",
                "provenance": "assumed",
            }
        ],
        "always_on": [
            {
                "modules": ["MOD-104", "MOD-103"], "reason": "The base.", "provenance": "published",
            }
        ],
        "conditions": [
            {
                "modules": ["MOD-118"], "institution_type": "mutual",
                "reason": "Members own it.", "provenance": "published",
            }
        ],
        "unconditional_reason": "No condition is named.",
    }  # fmt: skip
    return files


def write_small_catalogue(directory: Path) -> None:
    """Write the small catalogue into a folder."""
    for name, data in content().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(data, sort_keys=False, width=1000), encoding="utf-8")
    # The scenarios name no module but those of the bootstrap, which are here too.
    shutil.copy(CATALOGUE_DIRECTORY / recovery.FILE, directory)
