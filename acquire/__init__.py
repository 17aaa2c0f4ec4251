"""Live acquisition: a running process becomes a Memory Slice file.

::

    import msl_acquire

    report = msl_acquire.acquire(4242, "process.msl", compress="zstd")
    print(report.status, report["memory"]["pages"])
"""

from __future__ import annotations

from .api import acquire, estimate
from .blocks import Related
from .bounds import Interrupt
from .estimate import Estimate
from .needs import Needs
from .options import Options
from .report import Report
from .report_file import write_report
from .selection import Selection

__all__ = [
    "Estimate",
    "Interrupt",
    "Needs",
    "Options",
    "Related",
    "Report",
    "Selection",
    "acquire",
    "estimate",
    "write_report",
]
