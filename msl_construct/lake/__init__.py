"""Tables of one dump or of thousands, typed, for whoever asks with SQL."""

from __future__ import annotations
