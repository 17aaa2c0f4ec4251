"""Feeding the sample corpus to any program that decodes Memory Slice files, and judging it."""

from __future__ import annotations
