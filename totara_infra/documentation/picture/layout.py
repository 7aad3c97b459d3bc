"""Where each module stands in the picture.

A phase is a panel. Inside it domains are lanes, from top to bottom, and waves are columns, from
left to right, so that lines run to the right. Panels stand in two rows, which fits a screen.
All lengths are in the picture's own units; a unit is a pixel when the picture is at full size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from totara_infra.resolver.sequence import ResolvedPhase, Sequence

BOX_WIDTH, BOX_HEIGHT = 128, 44
COLUMN, ROW = 150, 54
MARGIN = 16
PHASE_HEAD, LANE_HEAD = 52, 32
TITLE_CHARACTER = 17
"""Width of a character of a phase's title, amply."""
TALLEST = 8
"""Boxes on top of one another in one lane and wave; more stand side by side."""


@dataclass(frozen=True)
class Box:
    """A module."""

    module: str
    x: int
    y: int


@dataclass(frozen=True)
class Lane:
    """The modules of one domain in one phase."""

    domain: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Panel:
    """A phase."""

    phase: ResolvedPhase
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """The whole picture."""

    width: int
    height: int
    panels: tuple[Panel, ...]
    lanes: tuple[Lane, ...]
    boxes: dict[str, Box]


def lay_out(sequence: Sequence) -> Layout:
    """Give every module its place."""
    sizes = {p.id: _panel_size(sequence, p) for p in sequence.phases}
    panels: list[Panel] = []
    lanes: list[Lane] = []
    boxes: dict[str, Box] = {}
    y, width = MARGIN, 0
    for row in _rows(sequence, {p: size[0] for p, size in sizes.items()}):
        x = MARGIN
        height = max(sizes[p.id][1] for p in row)
        for phase in row:
            panels.append(Panel(phase, x, y, sizes[phase.id][0], height))
            _fill(sequence, panels[-1], lanes, boxes)
            x += panels[-1].width + MARGIN
        width = max(width, x)
        y += height + MARGIN
    return Layout(width, y, tuple(panels), tuple(lanes), boxes)


def _rows(sequence: Sequence, widths: dict[int, int]) -> list[list[ResolvedPhase]]:
    """Cut the phases into two rows of about the same width, in order."""
    phases = list(sequence.phases)

    def longer(cut: int) -> int:
        return max(sum(widths[p.id] for p in phases[:cut]), sum(widths[p.id] for p in phases[cut:]))

    cut = min(range(len(phases), 0, -1), key=longer)
    return [row for row in (phases[:cut], phases[cut:]) if row]


def _lanes(sequence: Sequence, phase: ResolvedPhase) -> dict[str, list[list[str]]]:
    """Domain -> its modules wave by wave."""
    domains = sorted({sequence.module[m].domain for m in phase.modules})
    return {
        d: [[m for m in wave if sequence.module[m].domain == d] for wave in phase.waves]
        for d in domains
    }


def _columns(lanes: dict[str, list[list[str]]]) -> list[int]:
    """How many columns each wave takes."""
    return [
        max(math.ceil(len(members) / TALLEST) or 1 for members in wave)
        for wave in zip(*lanes.values(), strict=True)
    ]


def _rows_of(waves: list[list[str]], columns: list[int]) -> int:
    return max(math.ceil(len(members) / n) for members, n in zip(waves, columns, strict=True))


def _panel_size(sequence: Sequence, phase: ResolvedPhase) -> tuple[int, int]:
    lanes = _lanes(sequence, phase)
    columns = _columns(lanes)
    rows = sum(_rows_of(waves, columns) for waves in lanes.values())
    width = sum(columns) * COLUMN - (COLUMN - BOX_WIDTH) + 2 * MARGIN
    # The title is to be read whole.
    width = max(width, TITLE_CHARACTER * (len(phase.title) + 6))
    return width, PHASE_HEAD + len(lanes) * LANE_HEAD + rows * ROW + MARGIN // 2


def _fill(sequence: Sequence, panel: Panel, lanes: list[Lane], boxes: dict[str, Box]) -> None:
    members = _lanes(sequence, panel.phase)
    columns = _columns(members)
    y = panel.y + PHASE_HEAD
    for domain, waves in members.items():
        rows = _rows_of(waves, columns)
        lanes.append(Lane(domain, panel.x, y, panel.width, LANE_HEAD + rows * ROW))
        left = panel.x + MARGIN
        for wave, wide in zip(waves, columns, strict=True):
            tall = math.ceil(len(wave) / wide)
            for index, module in enumerate(wave):
                column, row = divmod(index, tall)
                boxes[module] = Box(
                    module,
                    left + column * COLUMN,
                    y + LANE_HEAD + row * ROW + (ROW - BOX_HEIGHT) // 2,
                )
            left += wide * COLUMN
        y += LANE_HEAD + rows * ROW
