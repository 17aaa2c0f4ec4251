"""The canonical document: a dump as plain values, and back.

`to_document` gives the parts; `emit` writes them as JSON or YAML without holding more than
one block; `build` turns a document into the file it was made from, byte for byte.
"""

from __future__ import annotations

from .render import Renderer
from .shape import VERSION

__all__ = ["VERSION", "Renderer"]
