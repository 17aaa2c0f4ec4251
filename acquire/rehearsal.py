"""``msl acquire --dry-run``: what it would take, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from msl_construct.cli.common import (
    STDIO,
    Exit,
    complain,
    data_out,
    whoever_reads,
)
from msl_construct.cli.text import many
from msl_construct.errors import TargetError

from . import api
from .backend import Backend
from .estimate import Estimate

__all__ = ["rehearse"]


def rehearse(
    system: Backend,
    pids: Sequence[int],
    output: str | None,
    options: dict[str, Any],
    *,
    as_json: bool,
) -> Exit:
    """Print what it would take to acquire each target; `Exit.TARGET` if one would be refused.

    Args:
        output: where the dumps would go, as the user said; None: not said.
        options: of `msl_acquire.acquire`.
        as_json: an object a line, one for each target.
    """
    code = Exit.FINE
    for pid in pids:
        file = None if output in (None, STDIO) else output
        try:
            found = api.estimate(pid, file, backend=system, **options)
        except TargetError as error:
            code = complain(error, f"process {pid}")
            continue
        if found.refusals:
            code = Exit.TARGET
        with whoever_reads(), data_out() as out:
            if as_json:
                out.write(json.dumps({"pid": pid, **found.as_json()}) + "\n")
            else:
                out.writelines(f"{line}\n" for line in _lines(pid, found, asked=output is not None))
    return code


def _lines(pid: int, found: Estimate, *, asked: bool) -> Iterator[str]:
    def pages(count: int) -> str:
        return f"{many(count, 'page')}, {_mebibytes(count * found.page_size)}"

    freeze = f"{found.freeze:.2f} s" if found.freeze else "not stopped"
    if found.waits and found.freeze:
        freeze += ", and as long as whoever takes the output makes it wait"
    rows = {
        "target": f"{many(found.threads, 'thread')}, {many(found.mappings, 'mapping')}",
        "to read": pages(found.read),
        "stored as zeros": pages(found.zeros),
        "not stored": pages(found.not_stored),
        "dump": f"at most {_mebibytes(found.size)}",
        "standing still": freeze,
        "own memory": _mebibytes(found.needs.memory),
        "own tasks": f"{found.needs.tasks} processes and threads",
    }
    yield f"process {pid}: {'would be refused' if found.refusals else 'could be acquired'}"
    for name, text in rows.items():
        yield f"  {name + ':':<17}{text}"
    for refusal in found.refusals:
        yield f"  {'refused:':<17}{refusal}"
    if not asked:
        yield "  (the output's space was not looked at: say with -o where it would go)"


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
