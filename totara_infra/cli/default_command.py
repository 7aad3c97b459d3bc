"""Groups of commands of which one may be left out: `totara sequence local`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class ShowByDefault(TyperGroup):
    """`totara sequence local` stands for `totara sequence show local`."""

    default = "show"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the command that is left out."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


class RunByDefault(ShowByDefault):
    """`totara verify local` stands for `totara verify run local`."""

    default = "run"
