"""Plugins for Volatility 3: the folder that ``vol -p`` wants. Volatility itself is not needed."""

from __future__ import annotations

from pathlib import Path

__all__ = ["plugin_folder"]


def plugin_folder() -> Path:
    """Where the plugins are."""
    return Path(__file__).parent / "plugins"
