"""What the handbook says about schema migrations: databases in order, rules, commands."""

from __future__ import annotations

from dataclasses import dataclass

from totara_infra.migrations.evidence import OLDEST
from totara_infra.migrations.order import Place, database_order
from totara_infra.migrations.rules import RULES, Rule
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.databases import read_databases
from totara_infra.resolver import Sequence

COMMANDS: tuple[tuple[str, str], ...] = (
    ("totara migrations lint REPO…", "every rule below, held against the files of repositories"),
    (
        "totara migrations lint . --format github",
        "the same as annotations of a pull request, at the line",
    ),
    ("totara migrations plan ENV", "what would be applied, in which order and why"),
    ("totara migrations apply ENV", "validates all databases, then applies, one after another"),
    ("totara migrations status ENV", "how far each database is, and whether it matches the files"),
    (
        "totara migrations undo ENV --database NAME --to NNN --yes",
        "takes migrations back, newest first; without --yes it shows them",
    ),
)
"""Commands and what each does."""
PRINCIPLES: tuple[str, ...] = (
    "Flyway connects with the direct URL of the database's secret; the value is read when it is "
    "needed and goes to Flyway through a pipe.",
    "Nothing is changed anywhere while history and files of any database don't match.",
    "A run stops at the first failure, says what is applied and what is not, and goes on from "
    "there when it is started again.",
    "Whoever migrates a database holds a lock on it; a second runner waits, then finds the work "
    "done.",
    "Production is changed only with the evidence of a snapshot that is at most "
    f"{OLDEST.total_seconds() / 3600:.0f} hours old and younger than the last change.",
    "The rules judge each file by the schema that the earlier files leave; what existed before is "
    "never dropped or emptied by an undo.",
    "A database with tables and without a history is refused before anything is touched.",
    "An undo runs in one transaction with the correction of the history. It is refused where "
    "something does not match, and where it would drop append-only rows.",
)
"""What holds for every run."""


@dataclass(frozen=True)
class MigrationsChapter:
    """The content of the handbook's page.

    Attributes:
        places: the databases in the order in which they are migrated, each with its reason.
        rules: the rules with what they ask, why, and who says so.
        commands: commands and what each does.
        principles: what holds for every run, as sentences.
    """

    places: tuple[Place, ...]
    rules: tuple[Rule, ...]
    commands: tuple[tuple[str, str], ...]
    principles: tuple[str, ...]


def chapter(catalogue: Catalogue, sequence: Sequence) -> MigrationsChapter:
    """The content, for the modules of a sequence.

    Raises:
        ProblemsError: what the catalogue says of the databases has problems.
    """
    places = database_order(catalogue, read_databases(catalogue), sequence)
    return MigrationsChapter(tuple(places), tuple(RULES.values()), COMMANDS, PRINCIPLES)
