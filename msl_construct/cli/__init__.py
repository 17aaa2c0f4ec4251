"""The commands: one module each, loaded when called."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from .start import begin, give_up_for_memory

__all__ = ["main", "main_acquire", "main_inspect"]


def main(arguments: Sequence[str] | None = None) -> None:
    """The ``msl`` command."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    begin(acquiring=given[:1] == ["acquire"])
    _call(".group", "cli", given, "msl")


def main_inspect() -> None:
    """The ``msl-inspect`` command: ``msl inspect`` under a name of its own."""
    begin()
    _call(".inspect", "inspect", sys.argv[1:], "msl-inspect")


def main_acquire() -> None:
    """The ``msl-acquire`` command: ``msl acquire`` under a name of its own."""
    begin(acquiring=True)
    _call("msl_acquire.cli", "acquire", sys.argv[1:], "msl-acquire")


def _shown(run: Callable[..., Any], given: list[str], name: str) -> None:
    """Run a command; what click says of how it was called acts on no terminal."""
    import click

    from .text import printable

    try:
        code = run(args=given, prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        tame = "\n".join(map(printable, error.message.split("\n")))
        vars(error)["message"] = tame
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("Aborted!", err=True)
        code = 1
    if sys.stdout is not None:
        sys.stdout.flush()
    sys.exit(code if isinstance(code, int) else 0)


def _call(module: str, command: str, given: list[str], name: str) -> None:
    """Import a command and run it; whatever can't be printed is an error like any other."""
    try:
        if given == ["--version"]:
            # Answered without loading any of the command line's own machinery.
            from .version import version_text

            print(version_text(), flush=True)
            return
        run: Callable[..., Any] = getattr(import_module(module, __package__), command).main
        _shown(run, given, name)
    except BrokenPipeError:  # nobody reads the help
        from .common import discard_stdout

        discard_stdout()
    except OSError as error:  # click prints help and refusals outside of every command
        if error.errno == errno.ENOMEM:  # looking for a module to import reads folders
            give_up_for_memory(error)
        from .common import complain, discard_stdout

        discard_stdout()
        sys.exit(complain(error))
    except (ImportError, MemoryError) as error:
        give_up_for_memory(error)
