"""Minidumps, as Windows, Breakpad, Crashpad and ProcDump write them."""

from __future__ import annotations
