"""The catalogue read from its files."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from pathlib import Path

from totara_infra.model.alerts import AlertPlan
from totara_infra.model.catalogue import Catalogue, Domain, SequencePlan
from totara_infra.model.declarations import Model
from totara_infra.model.documents import Document, parse, read_document
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.stores import StoreCatalogue
from totara_infra.model.tenancy import Tenancy

PACKAGE_DIRECTORY = Path(__file__).resolve().parent.parent
CATALOGUE_DIRECTORY = PACKAGE_DIRECTORY / "catalogue"
DOMAIN_FILES = tuple(f"domains/sd0{n}.yaml" for n in range(1, 9))
LATER_FILES: dict[str, type[Model]] = {"alerts.yaml": AlertPlan, "stores.yaml": StoreCatalogue}
"""Files that a catalogue can do without: revisions before them have none."""


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
            key = content.id if isinstance(content, Domain) else name.removesuffix(".yaml")
            documents[key] = document
        except ProblemsError as error:
            problems += error.problems
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
