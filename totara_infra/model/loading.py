"""The catalogue read from its files."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from totara_infra.model.alerts import AlertPlan
from totara_infra.model.catalogue import Catalogue, Domain, SequencePlan
from totara_infra.model.declarations import Model
from totara_infra.model.documents import Document, parse, read_document
from totara_infra.model.problems import Problem, ProblemsError, shown
from totara_infra.model.stores import StoreCatalogue
from totara_infra.model.tenancy import Tenancy

PACKAGE_DIRECTORY = Path(__file__).resolve().parent.parent
CATALOGUE_DIRECTORY = PACKAGE_DIRECTORY / "catalogue"
DOMAIN_FILES = tuple(f"domains/sd0{n}.yaml" for n in range(1, 9))
LATER_FILES: dict[str, type[Model]] = {"alerts.yaml": AlertPlan, "stores.yaml": StoreCatalogue}
"""Files that a catalogue can do without: revisions before them have none."""
_READ_ELSEWHERE = frozenset(
    {"claims.lock.yaml", "databases.yaml", "prices.yaml", "provisioning.yaml", "recovery.yaml"}
)
"""Files of a catalogue's folder that other modules read."""


@dataclass(frozen=True)
class LoadedCatalogue:
    """A catalogue with the files that it came from.

    Attributes:
        catalogue: the validated content.
        documents: domain id, or name of the file (`sequence`, `alerts`, …) -> its file, for error
            messages.
    """

    catalogue: Catalogue
    documents: dict[str, Document] = field(repr=False)


def read_catalogue(directory: Path = CATALOGUE_DIRECTORY) -> LoadedCatalogue:
    """Read a catalogue and check each file by itself.

    The rules that relate declarations to one another are in `totara_infra.model.rules`, those of
    the order in `totara_infra.resolver`; `totara_infra.resolver.load_catalogue` runs them all.

    Args:
        directory: folder with `domains/sd01.yaml` … `sd08.yaml`, `sequence.yaml`, `tenancy.yaml`
            and, where they are there, `alerts.yaml` and `stores.yaml`.

    Raises:
        ProblemsError: every fault of every file at once.
    """
    # Reading makes a few hundred thousand objects and no garbage; looking for some all the while
    # took Python's collector a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _read(directory)
    finally:
        if collecting:
            gc.enable()


def _read(directory: Path) -> LoadedCatalogue:
    root = directory.resolve().parent.parent
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    parsed: dict[str, Model] = {}
    kinds: dict[str, type[Model]] = dict.fromkeys(DOMAIN_FILES, Domain)
    kinds |= {"sequence.yaml": SequencePlan, "tenancy.yaml": Tenancy}
    kinds |= {name: kind for name, kind in LATER_FILES.items() if (directory / name).is_file()}
    for name, kind in kinds.items():
        try:
            document = read_document(directory / name, root)
            parsed[name] = parse(document, kind)
            content = parsed[name]
            # Two files of one domain must not hide each other; the rules below tell of them.
            key = content.id if isinstance(content, Domain) else name.removesuffix(".yaml")
            documents[key if key not in documents else name] = document
        except ProblemsError as error:
            problems += error.problems
    problems += _idle_files(directory, root, kinds)
    problems += _misplaced_domains(parsed, documents)
    if problems:
        raise ProblemsError(problems)
    catalogue = Catalogue.model_validate(
        {
            "domains": [parsed[name] for name in DOMAIN_FILES],
            "sequence": parsed["sequence.yaml"],
            "tenancy": parsed["tenancy.yaml"],
            "alerts": parsed.get("alerts.yaml"),
            "stores": parsed.get("stores.yaml"),
        }
    )
    return LoadedCatalogue(catalogue, documents)


def _idle_files(directory: Path, root: Path, read: Iterable[str]) -> Iterator[Problem]:
    """YAML files of the folder that nothing reads."""
    known = {*read, *LATER_FILES, *_READ_ELSEWHERE}
    for path in sorted([*directory.glob("*.y*ml"), *directory.glob("domains/*")]):
        name = path.relative_to(directory).as_posix()
        if name not in known and path.is_file() and path.suffix in (".yaml", ".yml"):
            yield Problem(
                shown(path, root),
                0,
                "unread-file",
                f"nothing reads {name}",
                "what it says would be taken for declared, and never be made",
                f"move its content into one of {', '.join(sorted(known))}, and remove it",
            )


def _misplaced_domains(
    parsed: Mapping[str, Model], documents: Mapping[str, Document]
) -> Iterator[Problem]:
    """Domain files whose name is not that of the domain in them."""
    places = {document.path.name: document for document in documents.values()}
    for name, content in parsed.items():
        file = Path(name).name
        if isinstance(content, Domain) and f"{content.id.lower()}.yaml" != file:
            yield places[file].problem(
                ("id",),
                "domain-file",
                f"the file is of {content.id}",
                "a domain's file is called after its id, and each domain has one",
                f"correct `id`, or rename the file to {content.id.lower()}.yaml",
                content.id,
            )
