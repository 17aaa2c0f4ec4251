"""The page of a dump of very many regions: time to make it, its size, how fluid its map is."""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import MIB, MSL, Row, Setting, note, python, run_child

import msl_construct

NAME = "report"

_PAGE = 4096
_RIGHTS = (["read"], ["read", "execute"], ["read", "write"], ["read", "write", "execute"], [])
_TYPES = ("heap", "stack", "image", "mapped_file", "anonymous", "shared_mem")
_FRAMES = 120
_BROWSER = "/usr/bin/chromium"


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    count = setting.size(100_000, 1_000)
    path, page = setting.tmp / "regions.msl", setting.tmp / "regions.html"
    many_regions(path, count)
    size = path.stat().st_size
    note(f"{count} regions, {size / MIB:.0f} MiB")
    command = python(MSL, "report", path, "-o", page, "--force", "-q")
    children = [run_child(command) for _ in range(min(3, setting.rounds))]
    rows = [
        Row(
            NAME,
            f"time of the page of {count} regions, {size / MIB:.0f} MiB",
            statistics.median(child.seconds for child in children),
            "s",
            judged="measured",
            target=10.0,
            remark="verified, checked and hashed as well",
        ),
        Row(
            NAME,
            f"size of the page of {count} regions",
            page.stat().st_size / MIB,
            "MiB",
            judged="measured",
            target=5.0,
        ),
        Row(
            NAME,
            f"memory of the page of {count} regions",
            max(child.max_rss for child in children) / MIB,
            "MiB",
            remark="ru_maxrss of the command, for information",
        ),
        *frames(page, count),
    ]
    path.unlink()
    page.unlink()
    return rows


def many_regions(path: Path, count: int, seed: int = 7) -> None:
    """A capture of regions of all kinds, with page maps of few runs."""
    rng = random.Random(seed)
    captured = rng.randbytes(8 * _PAGE)
    with (
        path.open("wb") as file,
        msl_construct.Writer(file, _header(), draft="draft-2026-10") as out,
    ):
        out.add_process_identity(exe_path="/usr/bin/thing", cmd_line="thing")
        out.add_module_list_index([])
        names, at = [], 0x5555_0000_0000
        for number in range(count):
            if rng.random() < 0.1:
                at += _PAGE * rng.randrange(1, 1 << 20)
            states = list(_states(rng))
            pages = sum(pages for _, pages, _ in states)
            held = sum(pages for _, pages, state in states if state == "captured")
            region = {
                "base_addr": at,
                "region_size": pages * _PAGE,
                "protection": rng.choices(_RIGHTS, (60, 20, 100, 1, 5))[0],
                "region_type": rng.choice(_TYPES),
            }
            data = captured[: held * _PAGE] if held <= 8 else captured * (held // 8 + 1)
            out.add_memory_region(**region, page_states=states, data=data[: held * _PAGE])
            name = f"/usr/lib/lib{number // 5}.so" if number % 3 else ""
            names.append({**region, "name_source": "live", "mapped_path": name})
            at += pages * _PAGE
        out.add_vas_map(entries=names)


def _header() -> dict[str, Any]:
    return {
        "cap_bitmap": ["process_identity", "module_list", "memory_regions"],
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 4242,
        "clock_source": "clock_realtime",
    }


def _states(rng: random.Random) -> Iterator[tuple[int, int, str]]:
    """Runs of pages: few of them captured, so that the dump stays small."""
    at = 0
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        state = rng.choices(("captured", "unmapped", "failed"), (3, 6, 0.2))[0]
        count = 1 if state != "unmapped" else rng.randrange(1, 200)
        yield at, count, state
        at += count


def frames(page: Path, count: int) -> list[Row]:
    """Main-thread time of a frame of the map that is zoomed in each of them."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        note("no playwright: the page is not measured in a browser")
        return []
    if not Path(_BROWSER).exists():
        note(f"no {_BROWSER}: the page is not measured in a browser")
        return []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_BROWSER, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1400, "height": 1000})
        view.goto(page.as_uri())
        view.wait_for_function("MAPS.length > 0 && MAPS[0].picture")
        session = view.context.new_cdp_session(view)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = _tasks(session)
        drawn = view.evaluate(_ZOOM, _FRAMES)
        after = _tasks(session)
        loaded = view.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
        browser.close()
    return [
        Row(
            NAME,
            f"a frame of the map of {count} regions, zoomed in each",
            1000 * (after - before) / _FRAMES,
            "ms",
            judged="measured",
            target=16.0,
            remark=f"main-thread time; of it drawing {drawn / _FRAMES:.1f}, at 1400 pixels",
        ),
        Row(
            NAME,
            f"until the page of {count} regions can be used",
            loaded,
            "ms",
            remark="wall time, for information",
        ),
    ]


_ZOOM = """
frames => new Promise(done => {
  const map = MAPS[0];
  let left = frames, spent = 0;
  const step = () => {
    const share = 0.5 + 0.5 * Math.sin(left / 9);
    const size = map.memory.length * Math.pow(0.001, share);
    map.first = (map.memory.length - size) * 0.3;
    map.last = map.first + size;
    const before = performance.now();
    map.draw();
    spent += performance.now() - before;
    if (--left) requestAnimationFrame(step);
    else done(spent);
  };
  requestAnimationFrame(step);
})
"""


def _tasks(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


if __name__ == "__main__":
    many_regions(Path(sys.argv[1]), int(sys.argv[2]))
