"""Matches of YARA rules in a dump's memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...reader.dump import Dump
from ..hits import Hit
from ..locations import Locations
from .asking import Asking, RuleScan, Settings
from .buffers import buffers
from .crew import Crew
from .engines import Engine
from .rule_texts import RuleText

__all__ = ["scan_rules"]

_WORTH_A_PROCESS = 16 << 20


def scan_rules(
    dump: Dump,
    places: Locations,
    rules: Sequence[RuleText],
    engine: Engine,
    *,
    externals: Mapping[str, str | int | bool] | None = None,
    seconds: int = 60,
    fill: int | None = None,
    within: Iterable[tuple[int, int]] | None = None,
    processes: int | None = None,
    searched: RuleScan | None = None,
) -> Iterator[Hit]:
    """All matches of rules, by the address of what they were asked of.

    A rule is asked of captured memory in one piece; if it asks for attributes of a region, of
    each region; if it asks for what an image has, of images of modules.

    Args:
        dump: what is asked.
        places: says where a hit is.
        rules: see `rule_texts`.
        engine: see `yara_engine`.
        externals: values of one's own, as they were compiled with.
        seconds: that rules may take with one piece of memory.
        fill: the value of bytes of an image that are not known; None: it ends there.
        within: address ranges, ascending and apart; None: everything.
        processes: how many; 0: this one; None: as many as there are processors, and this one
            for a small dump.
        searched: told what was asked.

    Raises:
        PatternError: the rules don't compile.
    """
    told = searched if searched is not None else RuleScan()
    settings = Settings(engine, externals or {}, seconds, fill)
    asking = Asking(dump, places, rules, settings, told)
    count = (os.cpu_count() or 1) if processes is None else processes
    if processes is None and (dump.size or 0) < _WORTH_A_PROCESS:
        count = 0
    found = buffers(
        dump,
        places,
        within=within,
        coverage=told.coverage,
        kinds=asking.kinds,
        fill=fill is not None,
    )
    with Crew(engine, count, asking.bytes_at, asking.compiled) as crew:
        yield from asking.hits(found, crew)
