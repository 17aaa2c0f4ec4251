"""The specification of each public draft, beside the pages: ``specification/DRAFT/index.html``."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from msl_construct.drafts import DRAFTS, PUBLIC
from msl_construct.specification.page import specification

__all__ = ["setup"]


def _write(app: Sphinx, error: Exception | None) -> None:
    """Write them, once everything else is."""
    if error is None and app.builder.format == "html":
        for name in PUBLIC:
            folder = Path(app.outdir) / "specification" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "index.html").write_text(specification(DRAFTS[name]), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
