"""Fills a whole environment from one file: everything is checked before anything is written.

Parsers like to quote what they can't read; here no message repeats any of the file's content
but the paths.
"""

from __future__ import annotations

import hmac
import json
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from totara_infra.blueprint import Blueprint
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.redaction import keep_secret
from totara_infra.model.vocabulary import SecretFormat
from totara_infra.model.yaml_text import (
    YamlFaultsError,
    build,
    compose,
    is_explicitly_tagged,
)
from totara_infra.operations.live import Live
from totara_infra.operations.secrets import formats
from totara_infra.operations.secrets.filling import attach_rotation, current_value, store
from totara_infra.operations.secrets.inventory import (
    PARALLEL,
    Entry,
    Standing,
    State,
    entries,
    looks_like_path,
    standings,
    unknown_path,
)

OTHERS = 0o077
"""Permission bits of a file that let anybody but its owner do something."""


class Action(StrEnum):
    """What an import does to one secret."""

    FILL = "fill"
    REPLACE = "replace"
    RESTORE = "restore and fill"
    KEEP = "already equal"


@dataclass(frozen=True)
class Step:
    """One secret of an import."""

    standing: Standing
    value: SecretStr
    action: Action

    @property
    def path(self) -> str:
        """The secret's path."""
        return self.standing.entry.path


def read_file(path: Path) -> str:
    """The text of a file or pipe that is fit to hold secrets.

    Raises:
        ProblemsError: there is none, others may read it, or git would keep it for good.
    """
    problems = list(_file_problems(path))
    if problems:
        raise ProblemsError(problems)
    try:
        return decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise ProblemsError(
            [
                Problem(
                    str(path),
                    0,
                    "file-unreadable",
                    f"the file can't be read: {error.strerror}",
                    "its content is needed",
                    "make it readable for you alone, or pipe the content in",
                )
            ]
        ) from None


def decoded(content: bytes, name: str) -> str:
    """UTF-8 bytes as text.

    Raises:
        ProblemsError: they are something else.
    """
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ProblemsError(
            [
                Problem(
                    name,
                    0,
                    "not-text",
                    "this is not UTF-8 text",
                    "values are stored as text",
                    "decrypt or convert it first",
                )
            ]
        ) from None


def _file_problems(path: Path) -> Iterator[Problem]:
    name = str(path)
    if not path.exists() or path.is_dir():
        fix = "correct its name, or give `-` and pipe the content in"
        yield Problem(name, 0, "file-missing", "there is no such file", "it is to be read", fix)
        return
    if not path.is_file():
        # A pipe, such as the shell's `<(sops -d …)`.
        return
    mode = path.stat().st_mode & 0o777
    if mode & OTHERS:
        yield Problem(
            name,
            0,
            "file-mode",
            f"others on this machine have access to the file (mode {mode:o})",
            "whoever reads it has every credential in it",
            f"chmod 600 {name}, or pipe the content in",
        )
    if _git(path, "--literal-pathspecs", "ls-files", "--error-unmatch") == 0:
        yield Problem(
            name,
            0,
            "file-tracked",
            "the file is tracked by git",
            "what git has once taken stays in every clone; consider its values leaked",
            f"git rm --cached {name}, keep it outside of the repository, and replace the "
            "credentials in it",
        )


def file_warning(path: Path) -> str | None:
    """A warning for a file that the next `git add` would take."""
    # 0: ignored, 1: not, anything else: no repository.
    if _git(path, "check-ignore", "--quiet") == 1:
        return (
            f"Warning: {path} lies in a git repository and is not ignored; the next `git add` "
            "would take it. Delete it after the import."
        )
    return None


def _git(path: Path, *words: str) -> int | None:
    """Exit code of a git command about a file; None where there is no git."""
    place = path.resolve()
    try:
        return subprocess.run(
            ["git", *words, "--", place.name],
            cwd=place.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        ).returncode
    except OSError:
        return None


def read_values(text: str, name: str, blueprint: Blueprint) -> dict[str, SecretStr]:
    """The values of a file by path, all in their right format.

    Args:
        text: YAML or JSON: a mapping of paths to values. A secret of format `json` may be written
            as a mapping instead of a text.
        name: of the file, for messages.
        blueprint: what the environment consists of.

    Raises:
        ProblemsError: everything that is wrong with the file, with lines.
    """
    known = entries(blueprint)
    # Before anything parses the file, and again as the values that were parsed.
    for line in text.splitlines():
        keep_secret(line.partition(": ")[2].strip(" \"',"), *known)
    root = _compose(text, name)
    problems: list[Problem] = []
    values: dict[str, SecretStr] = {}
    for key_node, value_node in root.value:
        line = key_node.start_mark.line + 1
        full = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
        if full not in known:
            problems.append(_unknown(name, line, full, known))
            continue
        if full in values:
            problems.append(
                Problem(
                    name,
                    line,
                    "path-twice",
                    f"{full} stands twice",
                    "only one of the two values could be stored",
                    "remove the wrong one",
                )
            )
            continue
        try:
            value = _value(value_node, known[full].secret.format)
        except YamlFaultsError as error:
            problems += _at(name, error, known[full].module)
            continue
        keep_secret(value or "", *known)
        wrong = formats.fault(known[full].secret.format, value) if value is not None else None
        if value is None or wrong is not None:
            problems.append(_malformed(name, line, known[full], wrong))
        values[full] = SecretStr(value or "")
    if problems:
        raise ProblemsError(problems)
    return values


def _compose(text: str, name: str) -> yaml.MappingNode:
    try:
        root = compose(text)
    except YamlFaultsError as error:
        fault = error.faults[0]
        if fault.rule != "yaml":
            raise ProblemsError(_at(name, error)) from None
        raise ProblemsError(
            [
                Problem(
                    name,
                    fault.line,
                    "yaml",
                    f"this is neither YAML nor JSON from column {fault.column} on",
                    "nothing can be read from here on; the content is not repeated here",
                    "correct quotes, brackets or indentation; write a PEM key as a block after `|`",
                )
            ]
        ) from None
    if not isinstance(root, yaml.MappingNode):
        raise ProblemsError(
            [
                Problem(
                    name,
                    1,
                    "no-mapping",
                    "the file is no mapping of paths to values",
                    "every value needs the path where it belongs",
                    "write lines such as `/bank/prod/core/neon-db-url: postgresql://…`",
                )
            ]
        )
    return root


def _at(name: str, error: YamlFaultsError, module: str = "") -> Iterator[Problem]:
    """The faults of the file, none of which repeats any of its content."""
    for fault in error.faults:
        yield Problem(name, fault.line, fault.rule, fault.what, fault.why, fault.fix, module)


def _value(node: yaml.Node, form: SecretFormat) -> str | None:
    """The text behind a node, exactly as written; None where it is of no use.

    Raises:
        YamlFaultsError: what readers of YAML would take for different values.
    """
    if isinstance(node, yaml.ScalarNode):
        if is_explicitly_tagged(node):
            build(node, confidential=True)
        text: str = node.value
        # A block after `|` ends in a line break that belongs to YAML, not to the key.
        return text if form is SecretFormat.PRIVATE_KEY_PEM else text.removesuffix("\n")
    if form is not SecretFormat.JSON or not isinstance(node, yaml.MappingNode):
        return None
    data: Any = build(node, confidential=True, exact=True)
    return json.dumps(data)


def _unknown(name: str, line: int, path: str, known: dict[str, Entry]) -> Problem:
    # Anything else could be a value that slipped into the first column.
    is_path = looks_like_path(path)
    return Problem(
        name,
        line,
        "unknown-path",
        f"unknown path `{path}`" if is_path else "this key is no path of a secret",
        "no module of the environment declares it, so nothing would read it",
        unknown_path(path, known) if is_path else "write full paths, /bank/{env}/{domain}/{name}",
    )


def _malformed(name: str, line: int, entry: Entry, wrong: str | None) -> Problem:
    form = entry.secret.format
    return Problem(
        name,
        line,
        "secret-format",
        f"the value for {entry.path} can't be stored: {wrong or 'it is no text'}",
        f"its readers expect {entry.secret.content} ({form})",
        "correct the value; one with line breaks is a block after `|`",
        entry.module,
    )


def planned(
    live: Live, blueprint: Blueprint, values: dict[str, SecretStr], *, restore: bool
) -> list[Step]:
    """What an import would do to each secret; equal values are found without showing any.

    Raises:
        ProblemsError: every secret that can't take a value.
        AwsRefusedError: AWS does not answer.
    """
    known = entries(blueprint)
    chosen = [known[path] for path in values]
    found = standings(live, chosen, blueprint.scope.env, datetime.now(UTC))
    problems = [p for s in found if (p := _no_place(s, restore)) is not None]
    if problems:
        raise ProblemsError(problems)

    def step(standing: Standing) -> Step:
        value = values[standing.entry.path]
        if standing.state is State.TO_BE_DELETED:
            return Step(standing, value, Action.RESTORE)
        if not standing.filled:
            return Step(standing, value, Action.FILL)
        equal = _equal(current_value(live, standing.entry.path), value)
        return Step(standing, value, Action.KEEP if equal else Action.REPLACE)

    with ThreadPoolExecutor(PARALLEL) as executor:
        return list(executor.map(step, found))


def _no_place(standing: Standing, restore: bool) -> Problem | None:
    path, module = standing.entry.path, standing.entry.module
    if standing.state is State.ABSENT:
        return Problem(
            path,
            0,
            "secret-absent",
            "there is no container of this name in AWS",
            "a value needs a place",
            "`totara up` makes all containers before the first gate asks for values",
            module,
        )
    if standing.state is State.TO_BE_DELETED and not restore:
        return Problem(
            path,
            0,
            "secret-deleted",
            f"it was deleted and is gone for good on {standing.goes:%Y-%m-%d}",
            "until then its name is taken",
            "say --restore to bring it back and fill it",
            module,
        )
    return None


def _equal(one: SecretStr, other: SecretStr) -> bool:
    return hmac.compare_digest(one.get_secret_value().encode(), other.get_secret_value().encode())


def carried_out(live: Live, blueprint: Blueprint, steps: Sequence[Step]) -> Iterator[str]:
    """Carry an import out, one secret after the other, saying each as it is done.

    Raises:
        AwsRefusedError: AWS refused one; what was said before is stored, and the next import
            skips it.
    """
    for step in steps:
        if step.action is Action.KEEP:
            yield f"{step.path}: already equal."
            continue
        yield from store(live, step.standing, step.value)
        yield from attach_rotation(live, blueprint, step.standing.entry)
