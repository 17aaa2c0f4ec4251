"""``msl schema``: the declaration of the format itself."""

from __future__ import annotations

import click

from .lazy_group import LazyGroup

__all__ = ["COMMANDS", "schema"]

COMMANDS = {
    "check": "Check that a draft's declaration is consistent.",
    "diff": "Show what one draft changes in another.",
    "export": "Write the schema for other languages and programs.",
    "impact": "Show, on files, what one draft does to readers of another.",
    "list": "List the drafts.",
    "new": "Write a file to begin a draft of your own with.",
    "show": "Show the structures, codes and flags of a draft.",
}
"""Name and summary of every subcommand."""

_HOMES = {
    "check": (".schema_check", "check"),
    "diff": (".schema_diff", "diff"),
    "export": (".schema_export", "export"),
    "impact": (".schema_impact", "impact"),
    "list": (".schema_show", "list_drafts"),
    "new": (".schema_new", "new"),
    "show": (".schema_show", "show"),
}
"""Module and name of each."""


@click.group(
    cls=LazyGroup,
    summaries=COMMANDS,
    homes=_HOMES,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine; 1 the drafts differ (diff, impact), the declaration has findings "
    "(check), a file is stale (export --check); 2 usage; 3 a file can't be read or written; 70 a "
    "defect of ours.",
)
def schema() -> None:
    """The declaration of the format, from which everything else is derived.

    \b
    Example:
      msl schema list
      msl schema show draft-2026-10 memory_region
      msl schema export -o schema
    """
