"""Numbers in words: sizes, times, how many of a thing."""

from __future__ import annotations

from datetime import datetime, timezone

__all__ = ["UNITS", "binary_size", "many", "moment"]

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def binary_size(size: int) -> str:
    """Bytes for people: ``20.0 KiB``."""
    value = float(size)
    for unit in UNITS:
        if value < 1024 or unit == UNITS[-1]:
            return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def moment(nanoseconds: int) -> str:
    """A timestamp for people, in UTC; zero is unknown."""
    if not nanoseconds:
        return "unknown time"
    seconds, rest = divmod(nanoseconds, 10**9)
    try:
        date = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return f"{nanoseconds} ns"
    return f"{date:%Y-%m-%d %H:%M:%S}.{rest:09d} UTC"


def many(count: int, thing: str) -> str:
    """A number of things: ``1 block``, ``2 blocks``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
