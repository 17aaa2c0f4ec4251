"""``msl schema``: the declaration of the format itself."""

from __future__ import annotations

from importlib import import_module

import click

__all__ = ["COMMANDS", "schema"]

COMMANDS = {
    "check": "Check that a draft's declaration is consistent.",
    "diff": "Show what one draft changes in another.",
    "export": "Write the schema for other languages and programs.",
    "list": "List the drafts.",
    "show": "Show the structures, codes and flags of a draft.",
}
"""Name and summary of every subcommand."""

_HOMES = {
    "check": ("schema_check", "check"),
    "diff": ("schema_diff", "diff"),
    "export": ("schema_export", "export"),
    "list": ("schema_show", "list_drafts"),
    "show": ("schema_show", "show"),
}
"""Module and name of each."""


class _Lazy(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = _HOMES[name]
        found = getattr(import_module(f".{module}", __package__), attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine; 1 the drafts differ (diff), the declaration has findings (check), "
    "a file is stale (export --check); 2 usage; 3 a file can't be read or written; 70 a defect "
    "of ours.",
)
def schema() -> None:
    """The declaration of the format, from which everything else is derived.

    \b
    Example:
      msl schema list
      msl schema show draft-2026-10 memory_region
      msl schema export -o schema
    """
