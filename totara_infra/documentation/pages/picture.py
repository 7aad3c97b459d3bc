"""The page with the picture of the sequence."""

from __future__ import annotations

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import link
from totara_infra.documentation.pages.page import module_path, relative
from totara_infra.documentation.picture import drawing
from totara_infra.documentation.picture.layout import BOX_HEIGHT, BOX_WIDTH, lay_out

PATH = "operations/picture.md"


def shown(module_id: str, start: str) -> str:
    """A link to the picture with a module picked; as HTML, since only the picture has the place."""
    address = relative(PATH.replace(".md", ".html"), start)
    return f'<a href="{address}#{module_id}">show it in the picture</a>'


def write(facts: Facts) -> list[str]:
    """The picture with its controls, and how to use it."""
    page_of = {m: f"../{module_path(m).removesuffix('.md')}.html" for m in facts.sequence.module}
    layout = lay_out(facts.sequence)
    controls = (
        '<form class="picture-controls" hidden>'
        '<label>Find a module <input type="search" list="picture-modules" '
        'placeholder="MOD-119 or a word" autocomplete="off"></label>'
        '<datalist id="picture-modules"></datalist>'
        '<span class="buttons"><button type="button" data-do="in">Closer</button>'
        '<button type="button" data-do="out">Farther</button>'
        '<button type="button" data-do="whole">Whole picture</button>'
        '<button type="button" data-do="full">Full screen</button></span>'
        '<label><input type="checkbox" data-do="lines" checked> lines</label>'
        '<label><input type="checkbox" data-do="through"> also through others</label></form>'
    )
    # Addresses of modules lead to the top of the picture; its script then picks the module.
    places = "".join(f'<span id="{m}"></span>' for m in page_of)
    picture = (
        f'<div class="picture" data-box-width="{BOX_WIDTH}" data-box-height="{BOX_HEIGHT}">'
        f'<div class="places">{places}</div>{controls}'
        '<div class="picture-frame"><div class="picture-canvas">'
        f"{drawing.svg(facts, layout, page_of)}</div>"
        '<aside class="picture-panel" aria-live="polite" hidden></aside></div>'
        f'<script type="application/json" class="picture-data">{drawing.data(facts, page_of)}'
        "</script></div>"
    )
    return [
        "Phases are panels, domains are lanes, and waves run from left to right. Pick a module to "
        "see what it needs and what needs it. "
        f"{link('The same as text', 'sequence.md')}.",
        "",
        picture,
        "",
        "**Mouse or finger:** drag to move, Ctrl and the wheel or two fingers to zoom, click a "
        "module to pick it. **Keyboard:** Tab into the picture, arrow keys go from module to "
        "module, Enter picks, Escape lets go, `+`, `-` and `0` zoom. A dashed line is an optional "
        "edge. In the whole picture the lines leave out what longer paths imply; for a picked "
        "module all its edges are drawn.",
    ]
