"""Mach-O cores, as macOS writes them."""

from __future__ import annotations
