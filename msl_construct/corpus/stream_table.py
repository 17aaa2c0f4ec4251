"""Streams by codec and hash of what they inflate to; see `streams`."""

from __future__ import annotations

__all__ = ["STREAMS"]

STREAMS: dict[str, str] = {
    "lz4-54d9d5fdb9596754": "18000000f009cf542b1a7e894dfe9947dc14de739f55a10f000001000000",
    "zstd-54d9d5fdb9596754": "28b52ffd2018c10000cf542b1a7e894dfe9947dc14de739f55a10f000001000000",
}
