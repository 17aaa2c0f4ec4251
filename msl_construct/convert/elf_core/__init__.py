"""ELF cores, as Linux and debuggers write them."""

from __future__ import annotations
