"""Commands that are loaded when they are called: most of a start went into those that are not.

Typer inspects the parameters of every command of an application before it runs one. Here it only
meets the one that was asked for; the list in the help needs no more than each docstring.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter


class LazyCommands(Mapping[str, "Command"]):
    """Commands by name, each made when it is first looked up."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """Know where the commands are.

        Args:
            places: name -> `module:attribute` of a function or of a Typer application.
        """
        self._places = places
        self._made: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._made:
            self._made[name] = self._command(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def _declared(self, name: str) -> Any:
        module, attribute = self._places[name].split(":")
        return getattr(import_module(module), attribute)

    def _command(self, name: str) -> Command:
        # Rich help takes longer to import than the rest of the command to run.
        holder = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        declared = self._declared(name)
        if isinstance(declared, typer.Typer):
            holder.add_typer(declared, name=name)
        else:
            holder.command(name)(declared)
        return typer.main.get_group(holder).commands[name]

    def summary(self, name: str, limit: int) -> str:
        """What the list of commands says of one, without its parameters being inspected.

        Args:
            name: of the command.
            limit: characters that there is room for.
        """
        declared = self._declared(name)
        grouped = isinstance(declared, typer.Typer)
        text = declared.info.help if grouped else inspect.getdoc(declared)
        return TyperCommand(name, help=text).get_short_help_str(limit)


def lazy_group(places: Mapping[str, str]) -> type[TyperGroup]:
    """A class of groups that load their commands when they are called.

    Args:
        places: name -> `module:attribute` of a function or of a Typer application, in the order of
            the help.
    """

    class LazyGroup(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.lazy = LazyCommands(places)
            self.commands = cast("MutableMapping[str, Command]", self.lazy)

        def list_commands(self, ctx: Context) -> list[str]:
            del ctx
            return list(places)

        def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
            del ctx
            room = formatter.width - 6 - max(map(len, places))
            with formatter.section("Commands"):
                formatter.write_dl([(name, self.lazy.summary(name, room)) for name in places])

    return LazyGroup
