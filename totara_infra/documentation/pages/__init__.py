"""The pages that are written from the catalogue.

A new page is a file here with a function `write(facts)`, and a line in `OPERATIONS`.
"""

from __future__ import annotations

from totara_infra.documentation.pages import (
    activation,
    alerts,
    backup,
    checklist,
    configuration,
    migrations,
    picture,
    provisioning,
    secrets,
    sequence,
)
from totara_infra.documentation.pages.page import Page

_WIDE = "[toc]"
_WIDEST = "[navigation, toc]"

OPERATIONS: tuple[Page, ...] = (
    Page(
        sequence.PATH,
        "Deployment sequence",
        "In which order the modules go up, and what each waits for.",
        sequence.write,
    ),
    Page(
        picture.PATH,
        "Picture of the sequence",
        "The same as a picture: pick a module, see what it needs and what needs it.",
        picture.write,
        _WIDEST,
    ),
    Page(
        provisioning.PATH,
        "Provisioning playbook",
        "From nothing to a client that is live, step by step, and the way out.",
        provisioning.write,
        _WIDE,
    ),
    Page(
        configuration.PATH,
        "Configuration manifest",
        "Every setting: value, type, who reads it, when a change takes effect.",
        configuration.write,
        _WIDE,
    ),
    Page(
        secrets.PATH,
        "Secrets manifest",
        "Every credential: who reads it, who fills it, when it gets a new value.",
        secrets.write,
        _WIDE,
    ),
    Page(
        activation.PATH,
        "Activation matrix",
        "Which modules each client institution has, and why.",
        activation.write,
        _WIDE,
    ),
    Page(
        checklist.PATH,
        "Post-deployment checklist",
        "What is checked in a live environment, and what the gates stop at.",
        checklist.write,
    ),
    Page(
        alerts.PATH,
        "Alert thresholds",
        "What is watched, from when somebody must act, and who is told.",
        alerts.write,
        _WIDE,
    ),
    Page(
        backup.PATH,
        "Backup and recovery",
        "Every store that keeps state, what it loses at most, and how it comes back.",
        backup.write,
        _WIDE,
    ),
    Page(
        migrations.PATH,
        "Schema migrations",
        "The eight databases in order, their tables and owners, and the rules of migrations.",
        migrations.write,
        _WIDE,
    ),
)
"""The operations pages, in the order of the navigation."""
