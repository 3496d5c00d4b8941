"""Groups of commands whose modules are imported when one of their commands is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True)
class Place:
    """A command: ``module:function`` below `compose.cli`.

    With ``help``, its line in the group's list, the list is printed without an import. ``panel`` is its heading there.
    With ``history`` it has the option of that name.
    """

    where: str
    help: str = ""
    panel: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    history: bool = False

    def load(self, name: str) -> Any:
        """The command, after its module has been imported."""
        module, function = self.where.split(":")
        single = typer.Typer(add_completion=False)
        callback = getattr(import_module(f"compose.cli.{module}"), function)
        if self.history:
            from compose.cli.history import with_history

            group = module.split(".")[0]
            callback = with_history(name if group == name else f"{group} {name}", callback)
        single.command(name, rich_help_panel=self.panel, context_settings=dict(self.settings))(callback)
        return get_command(single)

    def listed(self, name: str) -> Any:
        """The properties of a command that a list of commands needs."""
        return TyperCommand(name, help=self.help, rich_help_panel=self.panel) if self.help else self.load(name)


@dataclass(frozen=True)
class Places:
    """A group of commands."""

    help: str
    commands: Mapping[str, Place]

    def load(self, name: str) -> Any:
        """The group; nothing is imported yet."""
        return get_group(typer.Typer(name=name, help=self.help, no_args_is_help=True, cls=group_of(self.commands)))

    listed = load


def group_of(tree: Mapping[str, Place | Places]) -> type[TyperGroup]:
    """A class of groups that have these commands, in this order."""

    class LazyGroup(TyperGroup):
        _listing = False

        def list_commands(self, _context: Any) -> list[str]:
            return list(tree)

        def get_command(self, _context: Any, name: str) -> Any:
            if name not in tree:
                return None
            return tree[name].listed(name) if self._listing else tree[name].load(name)

        def format_help(self, context: Any, formatter: Any) -> None:
            with self._as_list():
                super().format_help(context, formatter)

        def shell_complete(self, context: Any, incomplete: str) -> Any:
            with self._as_list():
                return super().shell_complete(context, incomplete)

        @contextmanager
        def _as_list(self) -> Iterator[None]:
            self._listing = True
            try:
                yield
            finally:
                self._listing = False

    return LazyGroup
