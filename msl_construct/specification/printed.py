"""The specification as a book: the page, set by WeasyPrint with the style that it has for print."""

from __future__ import annotations

from ..errors import ExportError
from ..schema import Draft
from .page import specification

__all__ = ["printed"]


def printed(draft: Draft) -> bytes:
    """The PDF: contents with page numbers, links, an outline.

    Args:
        draft: one that is known by its name.

    Raises:
        ExportError: WeasyPrint is not installed, or lacks Pango.
    """
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        raise ExportError(
            "a PDF needs WeasyPrint and the library Pango: pip install 'msl-construct[pdf]', and "
            f"libpango-1.0-0 and libpangoft2-1.0-0 of the system ({error})"
        ) from None
    raw: bytes = HTML(string=specification(draft)).write_pdf()
    return raw
