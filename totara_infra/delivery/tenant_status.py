"""Changes of a client's status: an edit of its file that a reviewer can take in at a glance."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from totara_infra.local.project import project_root
from totara_infra.model.documents import Document
from totara_infra.model.problems import ProblemsError, UsageError, shown
from totara_infra.model.tenants import read_tenant, tenant_file
from totara_infra.model.vocabulary import TenantStatus
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import document_problems

FOLLOWING: Mapping[TenantStatus, tuple[TenantStatus, ...]] = {
    TenantStatus.PLANNED: (TenantStatus.LIVE, TenantStatus.CLOSED),
    TenantStatus.LIVE: (TenantStatus.SUSPENDED,),
    TenantStatus.SUSPENDED: (TenantStatus.LIVE, TenantStatus.CLOSED),
    TenantStatus.CLOSED: (),
}
"""Which status may follow which. Nobody is closed who could sign in a moment ago."""
_VALUE = re.compile(r"^(?P<before>status:\s*)(?P<value>[^\s#]+)(?P<after>.*)$")


@dataclass(frozen=True)
class StatusChange:
    """An edit of a client's file.

    Attributes:
        path: the file.
        before, after: status.
        text: the file's new content.
        difference: what changes, as a patch.
    """

    path: Path
    before: TenantStatus
    after: TenantStatus
    text: str
    difference: str

    def write(self) -> None:
        """Write the file: the whole of it or nothing.

        Raises:
            UsageError: it can't be written.
        """
        try:
            descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".status-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(self.text)
            temporary = Path(name)
            temporary.chmod(self.path.stat().st_mode & 0o777)
            temporary.replace(self.path)
        except OSError as error:
            raise UsageError(f"`{self.path.name}` can't be written: {error.strerror}.") from None


def status_change(client_id: str, status: str, today: date) -> StatusChange:
    """What a new status changes in the file of a client; nothing is written.

    Args:
        client_id: of the client.
        status: the new one.
        today: day that stands in the file of a client that is closed.

    Raises:
        UsageError: no such client or status, or one that may not follow.
        ProblemsError: what is wrong in the file, before or after.
    """
    root = project_root()
    path = tenant_file(root, client_id)
    if not path.is_file():
        raise UsageError(f"{shown(path, root)} does not exist, so there is no status to change.")
    try:
        wanted = TenantStatus(status)
    except ValueError:
        known = ", ".join(TenantStatus)
        raise UsageError(f"There is no status `{status}`. Write one of {known}.") from None
    document, tenant = read_tenant(path, root)
    if wanted is not tenant.status and wanted not in FOLLOWING[tenant.status]:
        raise UsageError(_refusal(client_id, tenant.status, wanted))
    text = document.text if wanted is tenant.status else _edited(document, wanted, today)
    problems = document_problems(load_catalogue().catalogue, Document.of(path, root, text))
    if problems:
        raise ProblemsError(problems)
    name = shown(path, root)
    difference = "".join(
        difflib.unified_diff(
            document.text.splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"a/{name}",
            f"b/{name}",
        )
    )
    return StatusChange(path, tenant.status, wanted, text, difference)


def _refusal(client_id: str, before: TenantStatus, wanted: TenantStatus) -> str:
    following = FOLLOWING[before]
    if not following:
        return (
            f"`{client_id}` is closed for good: what it left is kept, and its client id is never "
            "used again. Give a client that comes back a new one: totara tenant new."
        )
    return (
        f"`{client_id}` is {before}, and {wanted} may not follow. Write {' or '.join(following)}."
    )


def _edited(document: Document, wanted: TenantStatus, today: date) -> str:
    lines = document.text.splitlines(keepends=True)
    index = document.line(("status",)) - 1
    found = _VALUE.match(lines[index].rstrip("\n"))
    if found is None:
        raise UsageError(
            f"{document.name}:{index + 1} does not have the form `status: …`; change it by hand."
        )
    lines[index] = f"{found['before']}{wanted}{found['after']}\n"
    if wanted is TenantStatus.CLOSED:
        lines.insert(index + 1, f"closed_on: {today.isoformat()}\n")
    return "".join(lines)
