"""One page about a dump, or about several: to look at, and to hand on.

`report_of` yields dataclasses; `html_page` and `markdown_page` make texts of them.
"""

from __future__ import annotations

from .gathering import compared, report_of
from .html_page import html_page
from .markdown import markdown_page
from .model import DumpComparison, DumpReport
from .redaction import KINDS, Redaction

__all__ = [
    "KINDS",
    "DumpComparison",
    "DumpReport",
    "Redaction",
    "compared",
    "html_page",
    "markdown_page",
    "report_of",
]
