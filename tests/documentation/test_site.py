"""The documentation site as `totara docs build` makes it, in a real browser."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from tests.conftest import PROJECT
from tests.documentation.browser import NoBrowserError, browser
from totara_infra.documentation.facts import Facts
from totara_infra.documentation.links import faults
from totara_infra.documentation.server import serving

TOTARA = PROJECT / ".venv" / "bin" / "totara"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("documentation") / "site"
    done = subprocess.run(
        [TOTARA, "docs", "build", "--strict", "--output", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def facts() -> Facts:
    return Facts.read()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    try:
        with browser() as started:
            yield started
    except NoBrowserError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def address(site) -> Iterator[str]:
    with serving(site, 0) as served:
        yield served.url


@pytest.fixture
def page(chromium, address) -> Iterator[Page]:
    """A page on the start page; errors in its console and requests elsewhere fail the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    opened = context.new_page()
    bad: list[str] = []

    def note_message(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            bad.append(message.text)

    def note_request(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            bad.append(f"asked for {request.url}")

    def note_failure(request: Request) -> None:
        # What a page still loads when the next one is opened is given up by the browser itself.
        if request.failure != "net::ERR_ABORTED":
            bad.append(f"failed: {request.url}: {request.failure}")

    opened.on("console", note_message)
    opened.on("pageerror", lambda error: bad.append(str(error)))
    opened.on("requestfailed", note_failure)
    context.on("request", note_request)
    opened.goto(address)
    yield opened
    context.close()
    assert bad == []


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site) -> None:
    assert len(list(site.rglob("*.html"))) > 149
    assert list(faults(site)) == []


def test_every_module_has_a_page_with_its_reasons_and_its_secrets(site, facts) -> None:
    for module in facts.catalogue.modules.values():
        content = _words((site / "modules" / f"{module.id.lower()}.html").read_text())
        for edge in facts.sequence.module[module.id].depends_on:
            assert _words(edge.reason) in content, (module.id, edge.depends_on)
        for edge in facts.needed_by[module.id]:
            assert _words(edge.reason) in content, (edge.module, module.id)
        for _, secret in facts.secrets_read(module.id):
            assert secret.path in content, (module.id, secret.path)
        for declared in (*module.parameters, *module.settings):
            name = getattr(declared, "path", None) or declared.key
            assert name in content, (module.id, name)


def test_the_manifests_have_everything_that_is_declared(site, facts) -> None:
    configuration = _words((site / "operations" / "configuration.html").read_text())
    secrets = _words((site / "operations" / "secrets.html").read_text())
    for module in facts.catalogue.modules.values():
        for parameter in module.parameters:
            assert f"{parameter.path} {module.id}" in configuration
        for setting in module.settings:
            assert f"{setting.key} {module.id}" in configuration
        for secret in module.secrets:
            assert f"{secret.path} {module.id}" in secrets


def test_the_alerts_have_everything_and_stand_on_the_pages_of_their_modules(site, facts) -> None:
    everything = _words((site / "operations" / "alerts.html").read_text())
    plan = facts.catalogue.alerts
    assert len(plan.alerts) > 50
    for alert in plan.alerts:
        assert alert.id in everything
        for module in alert.subjects:
            content = _words((site / "modules" / f"{module.lower()}.html").read_text())
            assert f"{alert.id} {alert.title}" in content, (module, alert.id)
    for group in plan.groups:
        assert group.id in everything


def test_the_checklist_has_every_check(site) -> None:
    from totara_infra.operations.checks.registry import CHECKS

    content = _words((site / "operations" / "checklist.html").read_text())
    assert len(CHECKS) > 10
    for check in CHECKS:
        says = "published" if check.published else "assumed"
        assert f"{check.name} {check.asks} {says}" in content


def _words(page: str) -> str:
    """The text of a page as a reader sees it."""
    from html import unescape

    seen = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    seen = re.sub(r"</?(wbr|code|a|span|strong)\b[^>]*>", "", seen)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", seen)).split())


def test_three_clicks_lead_to_why_a_module_waits_and_which_secrets_it_reads(page, facts) -> None:
    page.get_by_role("main").get_by_role("link", name="the list", exact=True).click()
    page.get_by_role("main").get_by_role("link", name="MOD-119", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("MOD-119 BPAY")
    edge = next(e for e in facts.sequence.module["MOD-119"].depends_on if e.depends_on == "MOD-020")
    row = page.get_by_role("row").filter(has_text=edge.reason).filter(has_text="MOD-020")
    expect(row.first).to_be_visible()
    # Its own one, and the one of its domain's database.
    for secret in ("bpay-sponsor", "neon-db-url"):
        path = f"/bank/{{env}}/payments/{secret}"
        expect(page.get_by_text(path, exact=True).first).to_be_visible()


def search(page: Page, words: str) -> None:
    page.get_by_role("button", name="Search").first.click()
    page.get_by_role("combobox", name="Search").fill(words)


def test_the_search_finds_a_module_by_its_id(page) -> None:
    search(page, "MOD-119")
    page.get_by_role("option").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("MOD-119 BPAY")


def test_the_search_finds_a_guide_by_its_words(page) -> None:
    search(page, "rehearse production")
    page.get_by_role("option", name="Rehearse production").first.click()
    expect(page).to_have_url(re.compile(r"guides/rehearse-prod\.html"))


@pytest.fixture
def picture(page) -> Page:
    page.get_by_role("main").get_by_role("link", name="Picture of the sequence").click()
    expect(page.locator("svg.sequence a.module")).to_have_count(149)
    return page


def box(page: Page, module: str):
    return page.locator(f'svg.sequence a[data-module="{module}"]')


def shown(page: Page, kind: str) -> set[str]:
    return set(
        page.locator(f"svg.sequence a.{kind}").evaluate_all(
            "found => found.map(b => b.dataset.module)"
        )
    )


def needs(facts: Facts, module: str) -> set[str]:
    return {e.depends_on for e in facts.sequence.module[module].depends_on}


def needed_by(facts: Facts, module: str) -> set[str]:
    return {e.module for e in facts.needed_by[module]}


def test_a_picked_module_shows_what_it_needs_and_what_needs_it(picture, facts) -> None:
    box(picture, "MOD-020").click()

    assert shown(picture, "needs") == needs(facts, "MOD-020")
    assert shown(picture, "needed") == needed_by(facts, "MOD-020")
    panel = picture.get_by_role("complementary").filter(has_text="MOD-020")
    for edge in facts.sequence.module["MOD-020"].depends_on:
        expect(panel.get_by_text(edge.reason, exact=False).first).to_be_visible()
    lines = picture.locator("svg.sequence .chosen-lines path")
    expect(lines).to_have_count(len(needs(facts, "MOD-020")) + len(needed_by(facts, "MOD-020")))

    panel.get_by_role("button", name="MOD-119").click()
    assert shown(picture, "chosen") == {"MOD-119"}
    assert picture.url.endswith("#MOD-119")
    picture.get_by_role("link", name="Page of MOD-119").click()
    expect(picture.get_by_role("heading", level=1)).to_contain_text("MOD-119")


def test_what_a_module_needs_through_others_can_be_shown(picture, facts) -> None:
    from totara_infra.model.graph import ancestors

    picture.get_by_label("also through others").check()
    box(picture, "MOD-119").click()

    assert shown(picture, "needs") == ancestors(facts.sequence.graph, "MOD-119")


def test_the_picture_works_from_the_keyboard(picture, facts) -> None:
    picture.get_by_label("Find a module").fill("MOD-045")
    picture.keyboard.press("Enter")
    assert shown(picture, "chosen") == {"MOD-045"}

    box(picture, "MOD-045").focus()
    picture.keyboard.press("ArrowLeft")
    picture.keyboard.press("Enter")
    assert shown(picture, "chosen") == {"MOD-103"}
    assert shown(picture, "needs") == needs(facts, "MOD-103")

    before = picture.locator("svg.sequence").get_attribute("viewBox")
    picture.keyboard.press("+")
    assert picture.locator("svg.sequence").get_attribute("viewBox") != before
    picture.keyboard.press("Escape")
    assert shown(picture, "chosen") == set()
    # One module is in the order of Tab, not all of them.
    expect(picture.locator('svg.sequence a[tabindex="0"]')).to_have_count(1)


def test_zooming_in_shows_titles(picture) -> None:
    svg = picture.locator("svg.sequence")
    expect(svg).to_have_class(re.compile(r"\bfar\b"))
    for _ in range(4):
        picture.get_by_role("button", name="Closer").click()
    expect(svg).not_to_have_class(re.compile(r"\bfar\b"))
    picture.get_by_role("button", name="Whole picture").click()
    expect(svg).to_have_class(re.compile(r"\bfar\b"))


def test_zooming_goes_towards_the_module_that_is_picked(picture) -> None:
    box(picture, "MOD-159").click()
    for _ in range(5):
        picture.get_by_role("button", name="Closer").click()
    expect(box(picture, "MOD-159")).to_be_in_viewport(ratio=1)


def test_dragging_moves_the_picture_and_picks_nothing(picture) -> None:
    svg = picture.locator("svg.sequence")
    before = svg.get_attribute("viewBox")
    # From a module, which stays under the pointer.
    held = box(picture, "MOD-020").bounding_box()
    assert held is not None
    x, y = held["x"] + held["width"] / 2, held["y"] + held["height"] / 2
    picture.mouse.move(x, y)
    picture.mouse.down()
    picture.mouse.move(x - 120, y - 40, steps=4)
    picture.mouse.up()
    assert svg.get_attribute("viewBox") != before
    assert shown(picture, "chosen") == set()


def test_boxes_do_not_overlap_and_lie_inside_the_picture(facts) -> None:
    from totara_infra.documentation.picture.layout import BOX_HEIGHT, BOX_WIDTH, lay_out

    layout = lay_out(facts.sequence)
    boxes = sorted(layout.boxes.values(), key=lambda b: (b.x, b.y))
    assert [b.module for b in boxes if b.x < 0 or b.x + BOX_WIDTH > layout.width] == []
    assert [b.module for b in boxes if b.y < 0 or b.y + BOX_HEIGHT > layout.height] == []
    assert {b.module for b in boxes} == set(facts.sequence.module)
    for one in boxes:
        for other in boxes:
            apart = abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
            assert one is other or apart, (one, other)


def test_a_table_can_be_narrowed_by_words(page, facts) -> None:
    page.get_by_role("main").get_by_role("link", name="Secrets manifest").first.click()
    rows = page.locator(".filtered tbody tr:visible")
    total = sum(len(m.secrets) for m in facts.catalogue.modules.values())
    expect(rows).to_have_count(total)
    page.get_by_label("Show only rows with").fill("payments MOD-119")
    expect(rows.filter(has_text="bpay-sponsor")).to_have_count(1)
    assert 0 < rows.count() < total


def test_dark_mode_and_a_narrow_window_work(chromium, address) -> None:
    context = chromium.new_context(viewport={"width": 400, "height": 800}, color_scheme="dark")
    page = context.new_page()
    for path in ("index.html", "operations/picture.html#MOD-119", "modules/mod-119.html"):
        page.goto(f"{address}{path}")
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{path} is {wider} pixels wider than the window"
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, re.findall(r"\d+", background)[:3])) < 60, background
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_meet_wcag(chromium, address, scheme) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    rules = {"runOnly": ["wcag2a", "wcag2aa"]}
    found = {}
    for path in ("index.html", "operations/picture.html#MOD-119", "modules/mod-119.html"):
        page.goto(f"{address}{path}")
        result = Axe().run(page, options=rules)
        found[path] = result.generate_report() if result.violations_count else ""
    context.close()
    assert {path: report for path, report in found.items() if report} == {}


def test_the_picture_shows_the_modules_as_links_where_scripts_do_not_run(chromium, address) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}operations/picture.html")
    page.get_by_role("link", name=re.compile("^MOD-104 ")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("MOD-104")
    context.close()


def test_the_data_of_the_picture_is_the_sequence(site, facts) -> None:
    content = (site / "operations" / "picture.html").read_text()
    found = re.search(r'class="?picture-data"?>(.*?)</script>', content, re.DOTALL)
    assert found is not None
    drawn = {
        (module, edge["id"], edge["hard"])
        for module, content in json.loads(found[1]).items()
        for edge in content["needs"]
    }
    assert drawn == {
        (m.id, e.depends_on, e.required) for m in facts.sequence.modules for e in m.depends_on
    }


def test_no_word_of_a_page_is_taken_for_an_element(site) -> None:
    """A `<name>` among the words would end a table, or hide in an element that nobody knows."""
    for path in site.rglob("*.html"):
        content = re.sub(r"<script.*?</script>", "", path.read_text(), flags=re.DOTALL)
        body = content[content.index("<article") : content.index("</article>")]
        strange = {
            tag for tag in re.findall(r"<([a-z_][\w-]*)", body) if not ELEMENTS.fullmatch(tag)
        }
        assert strange == set(), path.name


ELEMENTS = re.compile(
    "a|article|aside|br|button|code|datalist|details|div|em|form|g|h[1-4]|hr|img|input|label|li|"
    "nav|ol|option|p|path|circle|pre|rect|section|small|span|strong|su[bp]|summary|svg|table|tbody|"
    "t[dhr]|text|thead|title|tspan|ul|wbr"
)
