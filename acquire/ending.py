"""What the user is told in the end: what is in the dump, what is not and why, and at what cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msl_construct.cli.common import Exit, note
from msl_construct.cli.text import binary_size, many

from .report import Report

__all__ = ["deficiencies", "held", "summary", "tell"]

_NAMED = 3
"""Threads, causes and reasons that are named one by one."""


def tell(report: Report, pid: int, files: Sequence[str], *, quiet: bool) -> Exit:
    """Sum up on stderr; the exit code.

    Args:
        files: the dump, and what else was written.
    """
    if not report.complete:
        note(f"msl: {files[0]}: incomplete: {report.detail}; {held(report)}")
    elif not quiet:
        first, *more = summary(report, pid, files)
        note(f"msl: {first}")
        for line in more:
            note(f"  {line}")
    for line in deficiencies(report, pid):
        note(f"msl: {line}")
    outlived = report["after"]["verdict"] != "ended"
    return Exit.FINE if report.complete and outlived else Exit.INCOMPLETE


def summary(report: Report, pid: int, files: Iterable[str]) -> Iterator[str]:
    """Lines about a complete acquisition, each of them no wider than a terminal mostly is.

    Args:
        files: what was written, and is kept.
    """
    memory, freeze = report["memory"], report["freeze"]
    size = _page_size(report)
    data = (memory["pages"].get("captured", 0) - memory["known_zeros"]) * size
    took = int(memory["skew"]) / 1e9
    parts = [f"process {pid}: captured {binary_size(data)}"]
    if took > 0 and data:
        parts.append(f"{binary_size(int(data / took))}/s")
    if freeze["method"] == "none":
        parts.append(f"not frozen: read over {_duration(took)}")
    else:
        parts.append(f"frozen {_duration(int(freeze['duration']) / 1e9)}")
    yield ", ".join(parts)
    rest = list(_states(report))
    if rest:
        yield "; ".join(rest)
    if freeze["why_ended"] == "max_freeze":
        yield "let go after --max-freeze: what was read later moved on"
    elif freeze["why_ended"] == "guardian_ended":
        yield "let go early, since who held it was killed: what was read later moved on"
    for selector in memory["idle_selectors"]:
        yield f"{selector!r} selects nothing"
    without = _without_hash(report)
    if without:
        yield without
    written = [*files]
    if written:
        yield f"written: {', '.join(written)}"


def held(report: Report) -> str:
    """What an incomplete dump holds, in a few words."""
    pages = report["memory"]["pages"]
    if not pages:
        return "no page is certain to be in it"
    size = _page_size(report)
    data = (pages.get("captured", 0) - report["memory"]["known_zeros"]) * size
    return "; ".join([f"captured {binary_size(data)}", *_states(report)])


def deficiencies(report: Report, pid: int) -> Iterator[str]:
    """What is amiss though the dump may be complete: said however quiet we are to be."""
    stuck: Sequence[Any] = list(report["freeze"].get("not_stopped") or ())
    if stuck:
        named = ", ".join(_thread(one) for one in stuck[:_NAMED])
        more = f" and {len(stuck) - _NAMED} more" if len(stuck) > _NAMED else ""
        threads = many(len(stuck), "thread")
        yield f"process {pid}: {threads} did not stop, and may have run on: {named}{more}"
    if "not_undone" in report["freeze"]:
        undone = report["freeze"]["not_undone"]
        yield f"process {pid}: what was done to it could not be undone: {undone}"
    copied = report["freeze"].get("snapshot") or {}
    if copied.get("copy_left"):
        copy = copied["copy"]
        yield f"process {pid}: its copy, process {copy}, was still there: see that it ends"
    after = report["after"]
    if after["detail"] and report.status != "target_gone":  # that was said
        yield str(after["detail"])


def _thread(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    why = one.get("reason") or one.get("state") or ""
    return f"{one.get('thread_id', one.get('tid', '?'))}{f' ({why})' if why else ''}"


def _states(report: Report) -> Iterator[str]:
    """Every state but what was read, in bytes, with its causes."""
    memory, size = report["memory"], _page_size(report)
    causes: dict[str, Counter[str]] = {}
    for row in memory["causes"]:
        causes.setdefault(row["state"], Counter())[row["cause"]] += row["pages"]
    zeros = memory["known_zeros"]
    if zeros:
        yield f"known zeros {binary_size(zeros * size)}"
    for state, pages in memory["pages"].items():
        if state == "captured":
            continue
        text = f"{_words(state)} {binary_size(pages * size)}"
        ranked = causes.get(state, Counter()).most_common()
        if len(ranked) == 1 and ranked[0][1] == pages:
            text += f" ({_words(ranked[0][0])})"
        elif ranked:
            told = [f"{_words(cause)} {binary_size(n * size)}" for cause, n in ranked[:_NAMED]]
            rest = sum(n for _, n in ranked[_NAMED:])
            told += [f"other {binary_size(rest * size)}"] if rest else []
            text += f" ({', '.join(told)})"
        yield text


def _without_hash(report: Report) -> str:
    target = report["target"]
    problems = target.get("module_problems", {})
    lacking = [
        module
        for module in target["modules"]
        if module["disk_hash"] is None and not module["path"].startswith("[")
    ]
    if not lacking:
        return ""
    reasons = Counter(problems.get(module["path"], "not hashed") for module in lacking)
    told = [
        reason.removeprefix("not hashed: ") + (f" ({count})" if len(reasons) > 1 else "")
        for reason, count in reasons.most_common(_NAMED)
    ]
    return f"{many(len(lacking), 'module')} without hash: {', '.join(told)}"


def _page_size(report: Report) -> int:
    return int(report["target"]["page_size"])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.1f} s"
