"""``--verbose``: what reading files at a distance took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .text import binary_size, many

if TYPE_CHECKING:
    from ..reader.dump import Dump
    from ..reader.stream import PassingDump
    from ..source import RemoteSource

__all__ = ["remember_traffic", "traffic_lines", "verbose_option"]

_ASKED, _SOURCES = "msl_construct.verbose", "msl_construct.traffic"


def _asked(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_ASKED] = value


verbose_option = click.option(
    "--verbose",
    is_flag=True,
    expose_value=False,
    callback=_asked,
    help="Say how much was read of files at a distance.",
)


def remember_traffic(path: str, dump: Dump | PassingDump) -> None:
    """Keep in mind a dump that was opened, if somebody wants to know what it took."""
    from ..source import RemoteSource

    context = click.get_current_context(silent=True)
    source = getattr(dump, "stored", None)
    if context is not None and context.meta.get(_ASKED) and isinstance(source, RemoteSource):
        context.meta.setdefault(_SOURCES, []).append((path, source))


def traffic_lines() -> list[str]:
    """What was read of each of them."""
    context = click.get_current_context(silent=True)
    found: list[tuple[str, RemoteSource]] = (
        [] if context is None else context.meta.get(_SOURCES, [])
    )
    return [
        f"msl: {path}: {source.traffic} bytes read ({binary_size(source.traffic)}) of "
        f"{source.size}, in {many(source.requests, 'request')}"
        for path, source in found
    ]
