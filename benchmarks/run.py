"""Runs the benchmarks and prints a table; see README.md.

python benchmarks/run.py [NAME...] [--part N/M] [--small] [--tmp DIR] [--json OUT] [--peers VENV]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import PEERS, ROOT, Row, Setting, environment

NAMES = (
    "inspect",
    "walk",
    "listing",
    "regions",
    "page_map",
    "documents",
    "write",
    "verify",
    "encryption",
    "exchange",
    "lake",
    "analysis",
    "report",
    "candidates",
    "acquire",
    "acquire_parts",
    "acquire_memory",
    "acquire_snapshot",
    "acquire_peers",
    "acquire_programs",
    "windows",
    "languages",
    "decoders",
)


def main() -> int:
    """The command."""
    options = _options()
    if options.into is not None:
        return _one(options)
    rows: list[Row] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # takes the files and children along
    with tempfile.TemporaryDirectory(prefix="msl-bench-", dir=options.tmp) as folder:
        # What is installed is compiled; so is what children run here, after their first round.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
        for name in options.names or NAMES[options.part[0] - 1 :: options.part[1]]:
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += _in_its_own_process(name, Path(folder), options)
    machine = describe()
    print("\n".join([*(f"{key}: {value}" for key, value in machine.items()), ""]))
    print(table(rows, judge=not options.small))
    if options.json is not None:
        found = {"machine": machine, "small": options.small, "rows": [r.as_json() for r in rows]}
        options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    missed = [row for row in rows if row.ok is False]
    return 1 if missed and not options.small else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmarks of msl-construct.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES) + "; all")
    parser.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="N/M",
        help="every Mth of all, from the Nth on",
    )
    parser.add_argument("--small", action="store_true", help="seconds, not minutes; judge nothing")
    parser.add_argument("--tmp", type=Path, help="folder for the files (needs 9 GB; not a tmpfs)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the figures there")
    parser.add_argument("--rounds", type=int, help="how often to measure (7; 2 with --small)")
    parser.add_argument(
        "--peers", type=Path, metavar="VENV", help="where memslicer is, for acquire_peers"
    )
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)  # the child's side
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    if options.peers is not None:
        os.environ[PEERS] = str(options.peers.absolute())
    if options.rounds is None:
        options.rounds = 2 if options.small else 7
    return options


def _part(text: str) -> tuple[int, int]:
    """``1/3``."""
    number, _, of = text.partition("/")
    part = int(number), int(of)
    if not 1 <= part[0] <= part[1]:
        raise ValueError(text)
    return part


def _in_its_own_process(name: str, folder: Path, options: argparse.Namespace) -> list[Row]:
    """One benchmark, with memory of its own: children inherit their parent's peak."""
    result = folder / f"{name}.json"
    command = [sys.executable, __file__, name, "--tmp", str(folder), "--into", str(result)]
    command += ["--rounds", str(options.rounds), *(["--small"] if options.small else [])]
    subprocess.run(command, check=True, env=environment())
    return [Row(**fields) for fields in json.loads(result.read_text())]


def _one(options: argparse.Namespace) -> int:
    """The child's side of `_in_its_own_process`."""
    sys.path.insert(0, str(ROOT))
    [name] = options.names
    module = importlib.import_module(f"bench_{name}")
    rows: list[Row] = module.run(Setting(options.small, options.tmp, options.rounds))
    options.into.write_text(json.dumps([row.__dict__ for row in rows]))
    return 0


# -- what is printed -------------------------------------------------------------------


def table(rows: list[Row], *, judge: bool) -> str:
    """The rows as a Markdown table."""
    heads = ("benchmark", "measured", "bound or peer", "ratio", "target", "", "remark")
    lines = [heads, tuple("---" for _ in heads)]
    for row in rows:
        bound = "" if row.bound is None else f"{_number(row.bound)} {row.unit}: {row.bound_name}"
        ok = {None: "", True: "ok", False: "**miss**"}[row.ok] if judge else ""
        lines.append(
            (
                f"{row.benchmark}: {row.what}",
                f"{_number(row.measured)} {row.unit}",
                bound,
                _ratio(row),
                _target(row),
                ok,
                row.remark,
            )
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(row: Row) -> str:
    if row.judged == "difference" and row.figure is not None:
        return f"{row.figure:+.0f} {row.unit}"
    if row.ratio is None:
        return ""
    if row.low is None or row.high is None:
        return f"{row.ratio:.2g}"
    return f"{_number(row.ratio)} [{_number(row.low)}-{_number(row.high)}]"


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    sign = "≤" if row.relation == "<=" else "≥"
    unit = "" if row.judged == "ratio" else f" {row.unit}"
    plus = "+" if row.judged == "difference" else ""
    return f"{sign} {plus}{row.target:g}{unit}"


def describe() -> dict[str, Any]:
    """The machine, without anything that would name it."""
    model = platform.processor() or platform.machine()
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = next((line.split()[1] for line in _lines("/proc/meminfo")), "0")
    virtual = any("hypervisor" in line for line in _lines("/proc/cpuinfo"))
    return {
        "CPU": f"{model}, {os.cpu_count()} {'virtual ' if virtual else ''}cores",
        "RAM": f"{int(memory) / 1024**2:.0f} GiB",
        "kernel": platform.release().split("-")[0],
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()) + " (1, 5, 15 minutes)",
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    sys.exit(main())
