"""Everything that people write, checked together: catalogue, tenants, stacks, calendar."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from totara_infra.blueprint import plan
from totara_infra.blueprint.estimate import PRICES, read_prices
from totara_infra.delivery.limits import aws_problems, region_problems
from totara_infra.delivery.validated import fingerprint, recall, remember
from totara_infra.local.project import project_root
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.coverage import COVERAGE_DIRECTORY, coverage_problems
from totara_infra.model.databases import read_databases
from totara_infra.model.documents import Document, read_document
from totara_infra.model.kept_documents import kept_documents
from totara_infra.model.loading import CATALOGUE_DIRECTORY, LoadedCatalogue
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.provisioning import read_provisioning
from totara_infra.model.release import past_freezes
from totara_infra.model.stack import (
    PROJECT,
    StackSettings,
    known_stacks,
    parse_stack,
    read_stack,
    settings_key,
)
from totara_infra.model.stack_rules import catalogue_faults
from totara_infra.model.tenancy import Tenant
from totara_infra.model.tenants import (
    MEMBERS,
    TENANT_DIRECTORY,
    load_tenants,
    name_problem,
    read_tenant,
    tenant_file,
    tenant_files,
)
from totara_infra.operations.limits.refusals import Seen
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import document_problems

Further = Callable[[Catalogue, Path], Mapping[str, int]]
"""Reads a further file of a catalogue's folder; counts what is in it, or raises its problems."""


@dataclass(frozen=True)
class Validation:
    """What was found in the files.

    Attributes:
        summary: what was read, counted.
        problems: sorted by file and line.
        notes: what is no fault yet deserves a look, sorted likewise.
        until: last day on which the notes stay the same; None where they do for good.
    """

    summary: Mapping[str, int]
    problems: Sequence[Problem]
    notes: Sequence[Problem] = ()
    until: date | None = None


def validate_all(catalogue_directory: Path, further: Sequence[Further] = ()) -> Validation:
    """Check all files.

    Args:
        catalogue_directory: the packaged catalogue, or another one; tenants, stacks and the
            release calendar belong to the packaged one and are checked with it only.
        further: what reads the files of packages that this one does not know.
    """
    summary: dict[str, int] = {}
    problems: list[Problem] = []
    loaded = None
    try:
        loaded = load_catalogue(catalogue_directory)
    except ProblemsError as error:
        problems += error.problems
    else:
        catalogue = loaded.catalogue
        summary |= {
            "modules": len(catalogue.modules),
            "parameters": sum(len(m.parameters) for m in catalogue.modules.values()),
            "secrets": sum(len(m.secrets) for m in catalogue.modules.values()),
            "settings": sum(len(m.settings) for m in catalogue.modules.values()),
        }
        for read in [*_readers(catalogue_directory), *further]:
            try:
                summary |= read(catalogue, catalogue_directory)
            except ProblemsError as error:
                problems += error.problems
    if catalogue_directory.resolve() != CATALOGUE_DIRECTORY:
        return Validation(summary, sorted(set(problems)))
    root = project_root()
    files = tenant_files(root)
    problems += tenant_file_problems(loaded.catalogue if loaded else None, files, root)
    problems += stack_problems(root)
    if loaded is not None:
        problems += blueprint_problems(loaded, root, {problem.file for problem in problems})
    notes: list[Problem] = []
    until = None
    try:
        notes, until = past_freezes(root, datetime.now(UTC))
    except ProblemsError as error:
        problems += error.problems
    summary |= {"tenants": len(files), "stacks": len(known_stacks(root))}
    return Validation(summary, sorted(set(problems)), sorted(notes), until)


def validated(further: Sequence[Further] = ()) -> Validation:
    """Check all files of the project, or recall that these very files were found valid.

    Args:
        further: see `validate_all`.
    """
    before = fingerprint()
    known = recall(_names(further), before)
    if known is not None:
        return Validation(known["summary"], (), [Problem(**note) for note in known["notes"]])
    return validated_anew(before, further)


def validated_anew(before: str, further: Sequence[Further] = ()) -> Validation:
    """Check all files of the project, and record it where nothing is wrong.

    Args:
        before: the fingerprint of the files, see `validated.fingerprint`.
        further: see `validate_all`.
    """
    with kept_documents():
        found = validate_all(CATALOGUE_DIRECTORY, further)
    if not found.problems:
        remember(
            before, _names(further), found.summary, [asdict(n) for n in found.notes], found.until
        )
    return found


def _names(further: Sequence[Further]) -> list[str]:
    return [f"{read.__module__}.{read.__qualname__}" for read in further]


def refuse_invalid(further: Sequence[Further] = ()) -> None:
    """See that `totara validate` finds nothing wrong, before anything else is done.

    Args:
        further: see `validate_all`.

    Raises:
        ProblemsError: what it finds.
    """
    problems = validated(further).problems
    if problems:
        raise ProblemsError(problems)


def _readers(directory: Path) -> list[Further]:
    """What reads the files beside domains, sequence and tenancy; a small catalogue lacks some."""
    found: list[Further] = [_count_tables, _read_playbook]
    packaged = directory.resolve() == CATALOGUE_DIRECTORY
    if packaged or (directory / PRICES).is_file():
        found.append(_read_prices)
    if packaged or (directory / COVERAGE_DIRECTORY).is_dir():
        found.append(_read_coverage)
    return found


def _count_tables(catalogue: Catalogue, directory: Path) -> Mapping[str, int]:
    databases = read_databases(catalogue, directory).databases
    return {"tables": sum(len(d.tables) for d in databases)}


def _read_playbook(catalogue: Catalogue, directory: Path) -> Mapping[str, int]:
    read_provisioning(catalogue, directory)
    return {}


def _read_prices(_: Catalogue, directory: Path) -> Mapping[str, int]:
    read_prices(directory)
    return {}


def _read_coverage(catalogue: Catalogue, directory: Path) -> Mapping[str, int]:
    problems = list(coverage_problems(catalogue, directory))
    if problems:
        raise ProblemsError(problems)
    return {}


def blueprint_problems(
    loaded: LoadedCatalogue, root: Path, at_fault: Collection[str]
) -> list[Problem]:
    """What AWS, or the catalogue, has against the stacks as they would be made.

    Args:
        loaded: the catalogue, valid.
        root: the project's folder.
        at_fault: files in which something is wrong already: a blueprint of them would say the same
            again, in other words. A stack is planned without clients of whom that is true.
    """
    problems: list[Problem] = []
    if "Pulumi.yaml" in at_fault:
        return problems
    seen: Seen = set()
    project = read_document(root / "Pulumi.yaml", root)
    for name in known_stacks(root):
        if f"Pulumi.{name}.yaml" in at_fault:
            continue
        settings = read_stack(root, name)
        document = read_document(root / f"Pulumi.{name}.yaml", root)
        stack = _Stack(name, document, settings)
        faults = list(catalogue_faults(loaded.catalogue, settings))
        problems += [
            stack.problem(settings_key(f.field), f.rule, f.what, f.why, f.fix) for f in faults
        ]
        if faults:
            continue
        sound = [t for t in settings.tenants if f"{TENANT_DIRECTORY}/{t}.yaml" not in at_fault]
        if not sound:
            continue
        whole = len(sound) == len(settings.tenants)
        tenants = load_tenants(root, sound, name)
        files = [read_document(tenant_file(root, t.client_id), root) for t in tenants]
        try:
            planned = settings if whole else _with_tenants(settings, sound)
            blueprint = plan(loaded.catalogue, planned, tenants, within_limits=False)
        except ProblemsError as error:
            # What is wrong without some clients need not be wrong with them.
            problems += error.problems if whole else ()
            continue
        problems += aws_problems(loaded, blueprint, [document, project, *files], seen)
    return problems


def _with_tenants(settings: StackSettings, tenants: Sequence[str]) -> StackSettings:
    default = settings.default_tenant if settings.default_tenant in tenants else tenants[0]
    return settings.model_copy(update={"tenants": list(tenants), "default_tenant": default})


def validate_tenants(files: Sequence[Path]) -> tuple[int, list[Problem]]:
    """Check tenants' files, alone and against one another and the stacks that list them.

    Args:
        files: the files; all of `stacks/` where none is given.

    Returns:
        How many files were read; and every problem, sorted by file and line.

    Raises:
        ProblemsError: the catalogue itself has problems.
    """
    root = project_root()
    catalogue = load_catalogue().catalogue
    chosen = [f.absolute() for f in files] or tenant_files(root)
    problems = tenant_file_problems(catalogue, chosen, root)
    about = {path.stem for path in chosen}
    # A stack that lists somebody else wrongly is no fault of the files that were asked for.
    problems += [p for p in stack_problems(root) if not files or p.module in about]
    return len(chosen), sorted(set(problems))


def tenant_file_problems(
    catalogue: Catalogue | None, files: Sequence[Path], root: Path
) -> list[Problem]:
    """Everything wrong with tenants' files, without regard to stacks.

    Args:
        catalogue: validated; None where it has problems of its own, which leaves out the rules
            that need it.
        files: the files.
        root: the project's folder.
    """
    problems: list[Problem] = []
    documents: list[Document] = []
    for path in files:
        try:
            document = read_document(path, root)
        except ProblemsError as error:
            problems += error.problems
            continue
        documents.append(document)
        if catalogue is not None:
            problems += document_problems(catalogue, document)
        else:
            try:
                read_tenant(path, root)
            except ProblemsError as error:
                problems += error.problems
    problems += _identity_problems(documents, root)
    problems += _ending_problems(root)
    return problems


def client_id_of(document: Document) -> str | None:
    """The client id in a file, however malformed the rest of it is."""
    found = document.data.get("client_id") if isinstance(document.data, dict) else None
    return found if isinstance(found, str) else None


def client_ids(root: Path) -> dict[str, Document]:
    """Client id -> the file in `stacks/` that has it; the file of that name goes first."""
    found: dict[str, Document] = {}
    for path in tenant_files(root):
        try:
            document = read_document(path, root)
        except ProblemsError:
            # Reported where the files are checked; an unreadable one has no client id.
            continue
        client_id = client_id_of(document)
        if client_id is not None and (client_id not in found or path.stem == client_id):
            found[client_id] = document
    return found


def _identity_problems(documents: Sequence[Document], root: Path) -> Iterator[Problem]:
    owners = client_ids(root)
    for document in documents:
        client_id = client_id_of(document)
        if client_id is None:
            continue
        owner = owners.get(client_id)
        if owner is not None and owner.path.resolve() != document.path.resolve():
            yield document.problem(
                ("client_id",),
                "duplicate-client-id",
                f"client id `{client_id}` is taken by {owner.name}",
                "two institutions of one client id would share data and sign-in",
                "choose another client id, or remove one of the two files",
                client_id,
            )
        elif client_id != document.path.stem:
            problem = name_problem(document, client_id)
            if problem is not None:
                yield problem


def _ending_problems(root: Path) -> Iterator[Problem]:
    for path in sorted((root / TENANT_DIRECTORY).glob("*.yml")):
        yield Problem(
            f"{TENANT_DIRECTORY}/{path.name}",
            0,
            "file-ending",
            "a tenant's file that ends in .yml",
            "only files that end in .yaml are read",
            f"rename it to {path.stem}.yaml",
            path.stem,
        )


@dataclass(frozen=True)
class _Stack:
    """A stack with its file."""

    name: str
    document: Document
    settings: StackSettings

    def problem(self, key: str, rule: str, *texts: str, client_id: str = "") -> Problem:
        what, why, fix = texts
        location = ("config", f"{PROJECT}:{key}")
        return self.document.problem(location, rule, what, why, fix, client_id)


def stack_problems(root: Path, planned: Document | None = None) -> list[Problem]:
    """Everything wrong with the stacks' files, their lists of tenants, and stacks side by side.

    Args:
        root: the project's folder.
        planned: a stack's file that is going to be written; its tenants need no file yet.
    """
    problems: list[Problem] = []
    stacks: list[_Stack] = []
    for name in known_stacks(root):
        try:
            settings = read_stack(root, name)
        except ProblemsError as error:
            problems += error.problems
            continue
        stacks.append(_Stack(name, read_document(root / f"Pulumi.{name}.yaml", root), settings))
        problems += _region_problems(stacks[-1])
        try:
            tenants = load_tenants(root, settings.tenants, name)
        except ProblemsError as error:
            problems += error.problems
        else:
            problems += _name_problems(stacks[-1], tenants)
    # The isolated clients' come after the shared ones, and what is new comes last: it is at fault.
    stacks.sort(key=lambda s: (s.name != s.settings.environment, s.name))
    if planned is not None:
        name = planned.path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        try:
            stacks.append(_Stack(name, planned, parse_stack(planned, {"stack": name})))
        except ProblemsError as error:
            problems += error.problems
    problems += _side_by_side(stacks)
    return problems


def _region_problems(stack: _Stack) -> Iterator[Problem]:
    keys = {"region": stack.settings.region}
    keys["disaster-recovery-region"] = stack.settings.disaster_recovery_region
    places = {("config", f"{PROJECT}:{key}"): region for key, region in keys.items()}
    return region_problems(stack.document, places)


def _name_problems(stack: _Stack, tenants: Sequence[Tenant]) -> Iterator[Problem]:
    for tenant in tenants:
        wanted = f"{stack.settings.environment}-{tenant.client_id}"
        if tenant.isolated and stack.name != wanted:
            yield stack.document.problem(
                MEMBERS,
                "isolated-name",
                f"the stack of `{tenant.client_id}` alone is called `{stack.name}`",
                "an isolated client's stack is called after its environment and client id",
                f"rename the file to Pulumi.{wanted}.yaml",
                tenant.client_id,
            )


def _side_by_side(stacks: Sequence[_Stack]) -> Iterator[Problem]:
    """Stacks that would get in each other's way; the later one of two is reported."""
    for index, stack in enumerate(stacks):
        for other in stacks[:index]:
            if stack.settings.account_id == other.settings.account_id:
                yield stack.problem(
                    "account-id",
                    "stack-account",
                    f"stacks `{stack.name}` and `{other.name}` have one AWS account",
                    "names of roles, buses and topics are the same in every stack",
                    "give the stack an AWS account of its own",
                )
            if stack.settings.environment is not other.settings.environment:
                continue
            if stack.settings.bucket_suffix == other.settings.bucket_suffix:
                yield stack.problem(
                    "bucket-suffix",
                    "stack-suffix",
                    f"stacks `{stack.name}` and `{other.name}` have one bucket suffix",
                    "bucket names are global in AWS, across accounts",
                    "give the stack a suffix of its own, such as its client's id",
                )
            for client_id in sorted(set(stack.settings.tenants) & set(other.settings.tenants)):
                yield stack.problem(
                    "tenants",
                    "tenant-in-two-stacks",
                    f"`{client_id}` is in the stacks `{stack.name}` and `{other.name}`",
                    f"both are of {stack.settings.environment}, and its customers have one home",
                    "remove it from one of the two lists",
                    client_id=client_id,
                )
