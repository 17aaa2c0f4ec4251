"""``msl volatility-path``."""

from __future__ import annotations

import sys

import click

from .common import Exit, command_options, run

__all__ = ["volatility_path"]


@click.command("volatility-path", context_settings={"help_option_names": ["-h", "--help"]})
@command_options
@run
def volatility_path(quiet: bool, no_color: bool) -> int:
    """Print the folder with the plugins for Volatility 3.

    They add a layer for dumps, and msl.Regions, msl.Modules and msl.Threads; Volatility's own
    regexscan.RegExScan and yarascan.YaraScan run on that layer. What needs a kernel does not.

    \b
    Example:
      vol -p "$(msl volatility-path)" -f dump.msl msl.Regions
      vol -p "$(msl volatility-path)" -f dump.msl regexscan.RegExScan --pattern password

    Exit codes: 0 fine.
    """
    from ..volatility import plugin_folder

    sys.stdout.write(f"{plugin_folder()}\n")
    return Exit.FINE
