"""``msl samples``: the corpus, and running decoders over it."""

from __future__ import annotations

import click

from .lazy_group import LazyGroup

__all__ = ["COMMANDS", "samples"]

COMMANDS = {
    "generate": "Make the sample corpus.",
    "list": "List the samples, what each shows, and what is to come out.",
    "run": "Run a decoder over the corpus and compare what it finds.",
}
"""Name and summary of every subcommand."""

_HOMES = {
    "generate": (".samples_generate", "generate"),
    "list": (".samples_list", "list_samples"),
    "run": (".samples_run", "run_decoder"),
}
"""Module and name of each."""


@click.group(
    cls=LazyGroup,
    summaries=COMMANDS,
    homes=_HOMES,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine; 1 a sample is stale (generate --check), the decoder fails on one "
    "(run); 2 usage; 3 a file can't be read or written; 70 a defect of ours.",
)
def samples() -> None:
    """The sample corpus: small files, each with its expected document and verdict.

    \b
    Example:
      msl samples list
      msl samples generate -o samples
      msl samples run --decoder 'my-decoder {}'
    """
