"""The umbrella command."""

from __future__ import annotations

import click

from .lazy_group import LazyGroup
from .version import version_text

__all__ = ["COMMANDS", "cli"]

COMMANDS = {
    "acquire": "Capture a running process.",
    "append": "Append blocks of a document to a dump, as an extension segment.",
    "build": "Turn a canonical document into the file it describes.",
    "candidates": "Find what may be keys, in one dump or in several.",
    "check": "Check against the rules of the specification.",
    "convert": "Write a dump of any dialect or draft as a conforming one.",
    "decrypt": "Write an encrypted dump in the open.",
    "encrypt": "Encrypt a dump.",
    "enrich": "Append the build-ids of captured images to a dump.",
    "diff": "Say what is different in two dumps or more.",
    "export": "Write a dump in a format that debuggers and other tools read.",
    "extract": "Write parts of memory to files, with a manifest of what is known.",
    "generate": "Generate a parser in another language.",
    "import": "Write a core, a minidump or raw memory as a dump.",
    "inspect": "Show everything a dump holds, without reading page data.",
    "keygen": "Make a key, or a pair of keys, for encrypted dumps.",
    "read": "Show bytes and page states at a virtual address.",
    "recover": "Write what stands of a damaged dump as a new one.",
    "report": "Make one page about a dump or several, to look at and hand on.",
    "samples": "Make the sample corpus, list it, run decoders over it.",
    "schema": "Show, compare, check and export the declaration of the format.",
    "search": "Find bytes, texts, numbers and pointers in virtual memory.",
    "sign": "Sign a dump, beside it, as OpenSSH does.",
    "strings": "List the texts in virtual memory.",
    "timestamp": "Have a dump dated by a time stamp authority, and check its answer.",
    "yara": "Ask YARA rules of virtual memory.",
    "verify": "Check chain, FileHash, counts, segments and trailing bytes.",
    "volatility-path": "Print the folder with the plugins for Volatility 3.",
}
"""Name and summary of every subcommand; each stands in a module of its name."""

_ELSEWHERE = {
    "acquire": ("msl_acquire.cli", "acquire"),
    "import": (".importing", "import_command"),
    "volatility-path": (".volatility", "volatility_path"),
}
"""Those whose module belongs to another package, or can't have the command's name."""


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(version_text())
        ctx.exit()


@click.group(
    cls=LazyGroup,
    summaries=COMMANDS,
    homes=_ELSEWHERE,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine; 1 findings (not intact, differs, stale); 2 usage; 3 not an .msl or "
    "unreadable; 4 readable but incomplete; 5 a key is missing or wrong; 6 the target can't be "
    "acquired; 70 a defect of ours.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version, the drafts and the libraries, and exit.",
)
def cli() -> None:
    """Memory Slice (.msl): forensic captures of one process.

    \b
    Example:
      msl inspect dump.msl
    """
