"""Building the site: faults are found, nothing is half-written, words come out as they went in."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from html import unescape
from pathlib import Path

import markdown
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import PROJECT
from tests.ports import free_port
from tests.small_catalogue import write_small_catalogue
from tests.tenants.project_copy import ProjectCopy
from totara_infra.documentation.links import faults
from totara_infra.documentation.markdown import code, table, text

GUIDE = "docs/guides/drift.md"


@pytest.fixture
def project(tmp_path) -> ProjectCopy:
    """A project whose catalogue is small, so that its site is built quickly."""
    copy = ProjectCopy.make(tmp_path / "project")
    catalogue = copy.root / "totara_infra" / "catalogue"
    for file in (catalogue / "sequence.yaml", catalogue / "tenancy.yaml"):
        file.unlink()
    shutil.rmtree(catalogue / "domains")
    write_small_catalogue(catalogue)
    for file in (copy.root / "stacks").glob("*.yaml"):
        file.unlink()
    for tenant, form in (("totara-bank", "proprietary"), ("acorn", "mutual")):
        copy.write(
            f"stacks/{tenant}.yaml",
            f"client_id: {tenant}\ndisplay_name: {tenant}\nstatus: live\n"
            f"institution_type: {form}\njurisdictions: [NZ]\noptions: [fx]\n",
        )
    shutil.copytree(PROJECT / "docs", copy.root / "docs")
    return copy


def test_links_that_lead_nowhere_end_a_strict_build_and_nothing_is_written(project) -> None:
    page = project.root / GUIDE
    broken = {
        "no-such-guide.md": "[away](no-such-guide.md)",
        "no-such-heading": "[away](secrets.md#no-such-heading)",
        "gone.html": '<a href="gone.html">away</a>',
    }
    page.write_text("\n\n".join([page.read_text(), *broken.values()]))
    site = project.root / "out"

    done = project.totara("docs", "build", "--strict", "--output", str(site))

    assert done.returncode == 1, done.stdout
    assert [name for name in broken if name not in done.stderr] == []
    assert [p.name for p in project.root.iterdir() if "site" in p.name or p.name == "out"] == []

    lenient = project.totara("docs", "build", "--output", str(site))
    assert lenient.returncode == 0, lenient.stderr
    assert "Warning: " in lenient.stderr
    assert (site / "index.html").is_file()


def test_an_earlier_site_is_replaced_whole_and_other_content_is_refused(project) -> None:
    site = project.root / "out"
    assert project.totara("docs", "build", "--output", str(site)).returncode == 0
    stale = site / "modules" / "mod-999.html"
    stale.write_text("gone")
    assert project.totara("docs", "build", "--output", str(site)).returncode == 0
    assert not stale.exists()

    papers = project.root / "papers"
    papers.mkdir()
    (papers / "index.html").write_text("mine")
    for place in (papers, papers / "index.html"):
        refused = project.totara("docs", "build", "--output", str(place))
        assert refused.returncode == 2, refused.stdout
        assert "Name" in refused.stderr
    assert (papers / "index.html").read_text() == "mine"


def test_serve_shows_the_site_until_it_is_interrupted(project) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "totara_infra.cli", "docs", "serve", "--port", "0"],
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", said)
    assert found, (said, process.stderr and process.stderr.read())
    with urllib.request.urlopen(f"{found[0]}modules/mod-104.html", timeout=10) as answer:
        assert b"MOD-104" in answer.read()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_a_taken_port_is_said_before_anything_is_built(project) -> None:
    import socket

    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        refused = project.totara("docs", "serve", "--port", str(port))
    assert refused.returncode == 2
    assert f"Port {port}" in refused.stderr
    assert not (project.root / "build").exists()


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ('<a href="missing.html">x</a>', "links to missing.html, which does not exist"),
        ('<a href="#nowhere">x</a>', "a place that index.html does not have"),
        ('<a href="other.html#nowhere">x</a>', "a place that other.html does not have"),
        ('<script src="https://example.org/a.js"></script>', "from elsewhere"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "from elsewhere"),
        ('<img src="https://example.org/a.png">', "from elsewhere"),
        ('<script src="gone.js"></script>', "loads gone.js, which does not exist"),
    ],
)
def test_each_kind_of_bad_link_is_found(tmp_path, element, said) -> None:
    (tmp_path / "other.html").write_text('<h1 id="here">x</h1>')
    good = (
        '<h1 id="top">x</h1><a href="#top">x</a><a href="other.html#here">x</a>'
        '<a href="https://example.org/">x</a><link rel="canonical" href="https://example.org/">'
    )
    index = tmp_path / "index.html"
    index.write_text(good)
    assert list(faults(tmp_path)) == []
    index.write_text(good + element)
    found = list(faults(tmp_path))
    assert len(found) == 1
    assert said in found[0]


def rendered(lines: list[str]) -> str:
    return markdown.markdown("\n".join(lines), extensions=["attr_list", "md_in_html", "tables"])


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1))
def test_any_words_come_out_of_a_table_as_they_went_in(words) -> None:
    html = rendered(table(("a", "b"), [(text(words), code(words))]))
    cells = [
        unescape(re.sub(r"</?(code|wbr)>", "", cell))
        for cell in re.findall(r"<td>(.*?)</td>", html)
    ]
    assert cells == [words, words]


def test_placeholders_and_markup_stay_words() -> None:
    awkward = "`a|b` *c* _d_ {env} {: #x} <b> [e](f) \\ ~~g~~ &amp; https://h.example ^i^ $j$"
    html = rendered([f"x {text(awkward)}"])
    assert unescape(html) == f"<p>x {awkward}</p>"


def test_no_page_is_committed() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "docs"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    folders = {str(Path(name).parent) for name in tracked}
    assert folders <= {"docs", "docs/guides", "docs/decisions"}
