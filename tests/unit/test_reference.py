"""The catalogue held against the platform's reference, where this checkout has it beside it."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.conftest import PROJECT
from totara_infra.model.coverage import coverage_page, coverage_problems, read_coverage
from totara_infra.model.databases import read_databases

IDENTIFIERS = re.compile(
    r"\b(MOD|FR|NFR|ADR|PRD|CAP|SD|BD|DT|CON|PRI|AML|OPS|ALERT-[A-Z]+)-?\d[\d\u2013\u2026/-]*\S*|V\d{3}\S*|`[^`]*`"
)
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def items_by_section(page: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for _, found in read_coverage():
        if found.page == page:
            for item in found.items:
                texts[item.section] = texts.get(item.section, "") + " " + item.item
    assert texts, f"no coverage of {page}"
    return texts


def sections(text: str) -> dict[str, str]:
    """`## MOD-001 title` -> the text below it."""
    parts = re.split(r"^## (MOD-\d{3}).*$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("number", range(1, 9))
def test_every_figure_of_the_notes_is_covered(reference, number) -> None:
    covered = items_by_section(f"notes/sd0{number}")
    text = (reference / "notes" / f"sd0{number}.md").read_text(encoding="utf-8")
    missing = []
    for module_id, body in sections(text).items():
        plain = IDENTIFIERS.sub(" ", body)
        for figure in NUMBER.findall(plain):
            if figure not in covered.get(module_id, ""):
                missing.append((module_id, figure))
    assert missing == []


def test_every_name_of_the_names_page_is_covered(reference) -> None:
    covered = items_by_section("names")
    text = (reference / "names.md").read_text(encoding="utf-8")
    missing = []
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        section = part.split(".", 1)[0]
        for line in part.splitlines():
            if not line.startswith("|"):
                continue
            first = line.split("|")[1]
            for name in re.findall(r"`([^`]+)`", first):
                if name not in covered.get(section, ""):
                    missing.append((section, name))
    assert missing == []


@pytest.mark.parametrize("page", ["platform", "operations"])
def test_every_name_and_figure_of_the_pages_is_covered(reference, page) -> None:
    covered = items_by_section(page)
    text = (reference / f"{page}.md").read_text(encoding="utf-8")
    missing = []
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        number = part.split(".", 1)[0]
        for name in re.findall(r"`([^`]+)`", part):
            if name not in covered.get(number, ""):
                missing.append((number, name))
    assert missing == []


def test_every_coverage_reference_leads_to_a_declaration(catalogue) -> None:
    assert list(coverage_problems(catalogue)) == []


def test_the_coverage_page_is_up_to_date(catalogue) -> None:
    page = (PROJECT / "docs" / "coverage.md").read_text(encoding="utf-8")
    assert page == coverage_page(catalogue), "run `totara coverage`"


def test_every_published_edge_is_in_the_catalogue_as_published(reference, catalogue) -> None:
    published = yaml.safe_load((reference / "modules.yaml").read_text(encoding="utf-8"))
    assert {m["id"] for m in published} == set(catalogue.modules)
    for module in published:
        ours = {d.module: d for d in catalogue.modules[module["id"]].depends_on}
        for edge in module["depends_on"]:
            found = ours[edge["id"]]
            assert found.provenance == "published", (module["id"], edge["id"])
            assert found.required is bool(edge["required"]), (module["id"], edge["id"])


def test_modules_keep_the_published_title_domain_and_slug(reference, catalogue) -> None:
    published = yaml.safe_load((reference / "modules.yaml").read_text(encoding="utf-8"))
    for module in published:
        ours = catalogue.modules[module["id"]]
        assert catalogue.domain_of[module["id"]].id == module["domain"]
        for field in ("title", "slug"):
            if module[field] is None:
                assert field in ours.assumed, (module["id"], field)
            else:
                assert getattr(ours, field) == module[field]


def test_open_edges_have_been_looked_at(reference, catalogue) -> None:
    published = yaml.safe_load((reference / "modules.yaml").read_text(encoding="utf-8"))
    for module in published:
        ours = catalogue.modules[module["id"]]
        if module["dependencies"] != "complete":
            assumed = [d for d in ours.depends_on if d.provenance == "assumed"]
            known = {e["id"] for e in module["depends_on"]}
            further = [d for d in ours.depends_on if d.module not in known]
            assert assumed or further or ours.dependency_note, module["id"]


def test_domains_keep_their_published_facts(reference, catalogue) -> None:
    published = yaml.safe_load((reference / "domains.yaml").read_text(encoding="utf-8"))
    for domain in published:
        ours = catalogue.domain[domain["id"]]
        assert ours.repository == domain["repo"]
        assert ours.path_segment == domain["path_segment"]
        assert ours.database == domain["database"]
        assert ours.event_bus == domain["event_bus"]
        assert len(ours.modules) == domain["module_count"]
        if domain["rto"]:
            assert ours.recovery.recovery_time_hours == int(domain["rto"].removesuffix("h"))
            assert ours.recovery.recovery_point_hours == int(domain["rpo"].removesuffix("h"))


def test_no_sentence_of_the_reference_stands_in_the_catalogue(reference) -> None:
    """Facts come from the reference, sentences are ours: no run of nine words is the same."""
    words = re.compile(r"[a-z0-9]+")

    def runs(text: str) -> set[tuple[str, ...]]:
        found = words.findall(text.lower())
        return {tuple(found[i : i + 9]) for i in range(len(found) - 8)}

    theirs: set[tuple[str, ...]] = set()
    for path in reference.rglob("*"):
        if path.suffix in (".md", ".yaml"):
            for line in path.read_text(encoding="utf-8").splitlines():
                theirs |= runs(line)
    same = []
    for path in (PROJECT / "totara_infra" / "catalogue").rglob("*.yaml"):
        if path.parent.name == "coverage":
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"\b(why|purpose|reason|dependency_note):", line):
                same += [(path.name, run) for run in runs(line) & theirs]
    assert same == []


def test_the_schemas_are_up_to_date() -> None:
    import json

    from totara_infra.model.schemas import json_schemas

    for name, schema in json_schemas().items():
        text = (PROJECT / "schemas" / name).read_text(encoding="utf-8")
        assert json.loads(text) == json.loads(json.dumps(schema)), "run `totara schemas`"


def test_every_table_of_the_reference_is_in_a_database(reference, catalogue) -> None:
    described = read_databases(catalogue)
    known = {o.name for d in described.databases for o in d.objects}
    known |= {f"{t.name}.{c}" for d in described.databases for t in d.tables for c in t.columns}
    # The other spelling of app.customer_sessions.
    known.add("app.sessions")
    schemas = "|".join(described.home_of_schema)
    name = re.compile(rf"(?<![\w./-])(?:{schemas})\.[a-z][a-z_]*(?:\.[a-z_]+)?(?![\w*./-])")
    missing = []
    for path in [reference / "platform.md", *sorted((reference / "notes").glob("*.md"))]:
        for found in name.findall(path.read_text(encoding="utf-8")):
            if found not in known and found not in catalogue_keys(catalogue):
                missing.append((path.name, found))
    assert missing == []


def catalogue_keys(catalogue) -> set[str]:
    """Keys of settings and types of events look like names of tables."""
    return {s.key for m in catalogue.modules.values() for s in m.settings}
