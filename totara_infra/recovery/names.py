"""The names that scenarios may use for what there is code for.

They stand apart from the code, so that the files can be checked without loading what talks to AWS
and to databases; a test holds the two against each other.
"""

from __future__ import annotations

from totara_infra.model.rules.recovery import Names

NAMES = Names(
    probes=frozenset(
        {
            "database-tables",
            "databases-answer",
            "function-alarms",
            "functions-answer",
            "functions-as-declared",
            "parameters-as-declared",
            "region-answers",
            "secret-events",
            "secret-policies",
            "secret-readers",
            "services-answer",
            "settings-as-declared",
            "sign-in",
            "state-sound",
        }
    ),
    proofs=frozenset(
        {
            "backup-restored",
            "clients-switched",
            "configuration-sound",
            "data-in-recovery-region",
            "functions-sound",
            "incident-closed",
            "incident-declared",
            "indicators-noted",
            "institutions-told",
            "issued-secrets-changed",
            "modules-in-recovery-region",
            "own-secrets-changed",
            "readers-restarted",
            "recovery-restored",
            "recovery-secrets-filled",
            "recovery-up",
            "releases-held",
            "roles-taken",
            "rows-back",
            "secrets-closed",
            "state-usable",
            "tables-back",
            "traces-kept",
            "users-enrolled",
        }
    ),
    stand_ins=frozenset(
        {
            "enrol-customer",
            "fill-recovery-secrets",
            "put-issued-secrets",
            "restore-rows",
        }
    ),
    preparations=frozenset(
        {
            "backup",
            "customer",
            "filled-secrets",
            "module-parameter",
            "rows",
        }
    ),
    faults=frozenset(
        {
            "module-parameter-gone",
            "parameter-altered",
            "region-silent",
            "router-permission-gone",
            "schemas-dropped",
            "secret-policy-opened",
            "settings-replaced",
            "state-cut-off",
            "trigger-code-broken",
            "trigger-throttled",
        }
    ),
    acceptances=frozenset(
        {
            "backup-equal",
            "backup-equal-in-recovery",
            "every-value-new",
            "same-claims",
            "same-claims-in-recovery",
            "same-rows",
            "secrets-filled-in-recovery",
            "secrets-sound",
        }
    ),
)
