"""The commands: one module each, loaded when called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main", "main_acquire", "main_inspect"]


def main(arguments: Sequence[str] | None = None) -> None:
    """The ``msl`` command."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        # Answered without loading any of the command line's own machinery.
        from .version import version_text

        print(version_text())
        return
    from .group import cli

    cli.main(args=given, prog_name="msl")


def main_inspect() -> None:
    """The ``msl-inspect`` command: ``msl inspect`` under a name of its own."""
    if sys.argv[1:] == ["--version"]:
        main(["--version"])
        return
    from .inspect import inspect

    inspect.main(args=sys.argv[1:], prog_name="msl-inspect")


def main_acquire() -> None:
    """The ``msl-acquire`` command: ``msl acquire`` under a name of its own."""
    if sys.argv[1:] == ["--version"]:
        main(["--version"])
        return
    from importlib import import_module

    import_module("msl_acquire.cli").acquire.main(args=sys.argv[1:], prog_name="msl-acquire")
