"""``msl volatility-path``."""

from __future__ import annotations

import sys

from .common import Exit, command

__all__ = ["volatility_path"]


@command("volatility-path")
def volatility_path() -> int:
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
