"""Memory that a listing of a very large dump takes."""

from __future__ import annotations

import statistics

from dumps import Region, sparse
from measure import GIB, MIB, MSL, Row, Setting, note, python, run_child

NAME = "listing"


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    path = setting.tmp / "listing.msl"
    # 105 pages a region: 20,000 regions are 8 GiB.
    shape = sparse(path, [Region(105)] * setting.size(20_000, 200))
    note(f"{shape.blocks} blocks, {shape.size / GIB:.2f} GiB, sparse")
    what = f"inspect --json, {shape.blocks} blocks, {shape.size / GIB:.1f} GiB sparse"
    try:
        children = [
            run_child(python(MSL, "inspect", "--json", path)) for _ in range(min(5, setting.rounds))
        ]
    finally:
        path.unlink()
    seconds = statistics.median(child.seconds for child in children)
    return [
        Row(
            NAME,
            f"memory of {what}",
            max(child.max_rss for child in children) / MIB,
            "MiB",
            judged="measured",
            target=100.0,
            remark="ru_maxrss of the command",
        ),
        Row(
            NAME,
            f"time of {what}",
            1000 * seconds,
            "ms",
            remark=f"for information: {1e6 * seconds / shape.blocks:.0f} µs a block",
        ),
    ]
