"""The picture as SVG, and the data that its script asks.

Each module is a link to its page, so the picture works without a script too.
"""

from __future__ import annotations

import html
import json
import textwrap

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.picture.layout import (
    BOX_HEIGHT,
    BOX_WIDTH,
    LANE_HEAD,
    MARGIN,
    PHASE_HEAD,
    Box,
    Lane,
    Layout,
    Panel,
)
from totara_infra.model.graph import reduction
from totara_infra.resolver.edges import edge_of

_LINE = 22
"""Characters of a title on one line of a box."""


def svg(facts: Facts, layout: Layout, page_of: dict[str, str]) -> str:
    """Draw the layout.

    Args:
        facts: whose sequence it is.
        layout: where everything stands.
        page_of: module id -> address of its page.
    """
    parts = [
        f'<svg class="sequence" viewBox="0 0 {layout.width} {layout.height}" role="group" '
        f'aria-label="The deployment sequence: {len(layout.boxes)} modules in '
        f'{len(layout.panels)} phases. Each box is a module; the text says the same below.">'
    ]
    parts += [_panel(panel) for panel in layout.panels]
    parts += [_lane(facts, lane) for lane in layout.lanes]
    parts.append('<g class="lines" aria-hidden="true">')
    parts += _lines(facts, layout)
    parts.append('</g><g class="chosen-lines" aria-hidden="true"></g>')
    parts += [_box(facts, layout.boxes[m], page_of[m]) for m in facts.sequence.module]
    return "".join([*parts, "</svg>"])


def data(facts: Facts, page_of: dict[str, str]) -> str:
    """What the script needs of each module, as JSON that can stand inside HTML."""
    modules = {
        m.id: {
            "title": m.title,
            "page": page_of[m.id],
            "place": f"{m.domain}, phase {m.phase}, wave {m.wave}",
            "needs": [
                {
                    "id": e.depends_on,
                    "hard": e.required,
                    "provenance": e.provenance.value,
                    "reason": e.reason,
                }
                for e in m.depends_on
            ],
        }
        for m in facts.sequence.modules
    }
    return json.dumps(modules, ensure_ascii=False).replace("<", "\\u003c")


def _panel(panel: Panel) -> str:
    title = html.escape(f"{panel.phase.id} {panel.phase.title}")
    count = len(panel.phase.modules)
    return (
        f'<g class="phase"><rect x="{panel.x}" y="{panel.y}" width="{panel.width}" '
        f'height="{panel.height}" rx="10"/><text x="{panel.x + MARGIN}" '
        f'y="{panel.y + PHASE_HEAD - 17}">{title}'
        f'<tspan class="count" dx="10">{count}</tspan></text></g>'
    )


def _lane(facts: Facts, lane: Lane) -> str:
    title = html.escape(f"{lane.domain} {facts.catalogue.domain[lane.domain].title}")
    room = lane.width // 12
    shown = title if len(title) <= room else lane.domain
    return (
        f'<g class="lane {lane.domain.lower()}"><rect x="{lane.x + 4}" y="{lane.y}" '
        f'width="{lane.width - 8}" height="{lane.height}" rx="6"/><text x="{lane.x + MARGIN}" '
        f'y="{lane.y + LANE_HEAD - 9}">{shown}</text></g>'
    )


def _lines(facts: Facts, layout: Layout) -> list[str]:
    """The edges that no longer path implies; the script draws all edges of a chosen module."""
    graph = facts.sequence.graph
    found = []
    for before, after in sorted(reduction(graph).edges):
        kind = "hard" if edge_of(graph, before, after).required else "optional"
        path = _curve(layout.boxes[before], layout.boxes[after])
        found.append(f'<path class="{kind}" d="{path}"/>')
    return found


def _curve(before: Box, after: Box) -> str:
    x1, y1 = before.x + BOX_WIDTH, before.y + BOX_HEIGHT // 2
    x2, y2 = after.x, after.y + BOX_HEIGHT // 2
    bend = max(30, abs(x2 - x1) // 3)
    return f"M{x1},{y1}C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}"


def _box(facts: Facts, box: Box, page: str) -> str:
    module = facts.sequence.module[box.module]
    needs, needed = len(module.depends_on), len(facts.needed_by[module.id])
    label = (
        f"{module.id} {module.title}, {module.domain}, phase {module.phase}, "
        f"needs {needs}, needed by {needed}"
    )
    title = textwrap.wrap(module.title, _LINE)
    if len(title) > 2:
        title = [title[0], f"{title[1][: _LINE - 1]}…"]
    lines = "".join(
        f'<tspan x="8" y="{y}">{html.escape(line)}</tspan>'
        for line, y in zip(title, (27, 38), strict=False)
    )
    return (
        f'<a class="module {module.domain.lower()}" href="{page}" data-module="{module.id}" '
        f'data-x="{box.x}" data-y="{box.y}" aria-label="{html.escape(label)}" '
        f'transform="translate({box.x} {box.y})">'
        f"<title>{html.escape(f'{module.id} {module.title}')}</title>"
        f'<rect width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="4"/>'
        f'<rect class="stripe" width="4" height="{BOX_HEIGHT}"/>'
        f'<text class="id" x="8" y="15">{module.id}</text>'
        f'<text class="number" x="{BOX_WIDTH // 2}" y="32">{module.id.removeprefix("MOD-")}</text>'
        f'<text class="title">{lines}</text></a>'
    )
