"""What a file of a dialect is to whoever knows its draft alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..document import Renderer
from ..document.render import plain
from ..reader import open_dump

__all__ = ["by_draft"]


def by_draft(path: Path) -> dict[str, Any]:
    """The document of a file, read without its dialect.

    Args:
        path: a file of the corpus, which can be read.

    Raises:
        DialectError: it can't be read without its dialect.
    """
    with open_dump(path, dialect="none") as dump:
        # Compared is what is written, not what our values are made of.
        document = json.loads(json.dumps(plain(Renderer().document(dump))))
    assert isinstance(document, dict)
    return document
