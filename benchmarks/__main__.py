"""`python -m benchmarks [NAME …]`: measure, and print the table of figures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks.figure import Figure
from totara_infra.local.compiled_files import keep_compiled_files


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for.

    Returns:
        0 when everything could be measured, whether or not goals are met; 1 when not; argparse
        ends with 2 for a name that does not exist.
    """
    keep_compiled_files()
    # One module after another: a missed import of a benchmark must not cost the others' time.
    from benchmarks.measured import BENCHMARKS  # noqa: PLC0415

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the project's figures on this machine.",
        epilog="\n".join(f"  {name:10} {b.__doc__}" for name, b in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help="benchmark; all where left out")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.name if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; write one of {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    failed: list[str] = []
    for name in options.name or BENCHMARKS:
        sys.stderr.write(f"{name} …\n")
        sys.stderr.flush()
        try:
            figures += BENCHMARKS[name]()
        except Exception as error:
            sys.stderr.write(f"{name} could not be measured: {error}\n")
            failed.append(name)
    if options.format == "json":
        print(json.dumps([figure.as_json() for figure in figures], indent=2))
    else:
        _print_table(figures)
    return 1 if failed else 0


def _print_table(figures: Sequence[Figure]) -> None:
    rows = [("figure", "measured", "goal", "", "how")]
    rows += [
        (
            figure.what,
            _number(figure.value, figure.unit),
            "" if figure.goal is None else f"≤ {_number(figure.goal, figure.unit)}",
            {None: "", True: "met", False: "MISSED"}[figure.met],
            figure.detail,
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    last = ""
    for row, figure in zip(rows, [None, *figures], strict=True):
        if figure is not None and figure.command != last:
            last = figure.command
            print(f"\n{last}")
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())


def _number(value: float, unit: str) -> str:
    digits = {
        "ms": 0 if value >= 10 else 2,
        "MB": 0,
        "bytes": 0,
        "": 0,
        "resources": 0,
        "s": 2,
    }.get(unit, 2)
    text = f"{value:,.{digits}f}"
    return text if unit in ("", "ratio", "exponent") else f"{text} {unit}"


if __name__ == "__main__":
    sys.exit(main())
