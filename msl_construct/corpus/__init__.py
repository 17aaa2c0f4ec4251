"""The sample corpus: small files, each made to show one thing, with what a reader must find.

`manifest` says what a sample is and reads a corpus from its folder; the recipes say how each
file is made; `generate` makes them.
"""

from __future__ import annotations

from .manifest import MANIFEST, Consumer, ExpectedVerdict, Kind, Manifest, Sample

__all__ = ["MANIFEST", "Consumer", "ExpectedVerdict", "Kind", "Manifest", "Sample"]
