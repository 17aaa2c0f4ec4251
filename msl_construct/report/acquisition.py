"""What the report of an acquisition says of it: who, when, how, and what the target had open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..document import readable
from ..reader.acquisition_report import Tie
from ..words import binary_size, many
from .model import Acquisition, Fact, Suspicion, TableRows
from .redaction import Redaction

__all__ = ["acquisition_of"]

_MOST_ROWS = 20_000
_MOST_CAUSES = 12
_LONGEST = 200
_ADDRESS = re.compile("0x[0-9a-f]{1,16}")
_SAID = (("who", "examiner"), ("who", "case"), ("who", "note"))
"""What the examiner said for the report, and has in the command line of the acquisition as well: of
which the table of all processes may have a row."""
_FILES = ("fd", "kind", "target", "access", "position", "deleted")
_SOCKETS = ("protocol", "local", "remote", "state", "descriptors", "inode")


def acquisition_of(
    report: Mapping[str, Any], file: str, tie: Tie, redaction: Redaction
) -> Acquisition:
    """What is shown of a report.

    Args:
        report: from `read_report`.
        file: its name.
        tie: how it agrees with the dump.
    """
    # What is not to be quoted has to be known before anything is.
    environment = _environment(report, redaction)
    command = redaction.command_line(_command(report), arguments=False)
    target = redaction.command_line(_text(_at(report, "target", "cmd_line")) or None)
    found = Acquisition(
        file,
        _text(report.get("status")),
        redaction.sentence(_text(report.get("detail"))),
        tie,
        causes=redaction.sentence(_causes(report, besides="captured")),
        why={base: redaction.sentence(text) for base, text in _why(report)},
        from_files=_from_files(report),
        synchronised=_synchronised(report),
        parents=[(pid, redaction.sentence(name)) for pid, name in _parents(report)],
        environment=environment,
    )
    for group, label, text in (*_facts(report, command), ("target", "command line", target)):
        if text:
            said = str(text) if (group, label) in _SAID else redaction.sentence(str(text))
            found.facts.append(Fact(group, label, said, "report"))
    for name, key, columns in (
        ("report_files", "descriptors", _FILES),
        ("report_sockets", "connections", _SOCKETS),
    ):
        rows = [row for row in _list(_at(report, "target", key)) if isinstance(row, Mapping)]
        if rows:
            cells = [tuple(_cell(row.get(column)) for column in columns) for row in rows]
            found.tables.append(
                TableRows(name, columns, cells[:_MOST_ROWS], max(0, len(cells) - _MOST_ROWS))
            )
    found.suspicions = [
        replace(one, places=tuple(map(redaction.sentence, one.places)))
        for one in _suspicions(report)
    ]
    return found


def _facts(report: Mapping[str, Any], command: str | None) -> Iterator[tuple[str, str, str | None]]:
    """Group, label and text of each."""
    at = report.get
    yield "who", "examiner", _text(at("examiner"))
    yield "who", "case", _text(at("case"))
    yield "who", "note", _text(at("note"))
    user = _at(report, "host", "acquirer", "user")
    if user is not None:
        yield (
            "who",
            "account",
            f"{_text(user)} (uid {_text(_at(report, 'host', 'acquirer', 'uid'))})",
        )
    yield "who", "machine", _joined(report, ("host", "name"), ("host", "distribution"))
    yield (
        "who",
        "system",
        _joined(report, ("host", "system"), ("host", "kernel"), ("host", "machine")),
    )
    yield "when", "began", _moment(at("started"))
    yield "when", "ended", _moment(at("ended"))
    synchronised = _synchronised(report)
    if synchronised is not None:
        word = "synchronised" if synchronised else "not synchronised, said the system"
        yield "when", "clock", word
    yield "how", "tool", _joined(report, ("tool", "name"), ("tool", "version"))
    yield "how", "command line", command
    method = _at(report, "freeze", "method")
    if method:
        held = _number(_at(report, "freeze", "duration"))
        for_ = "" if held is None else f", for {held / 1e6:.1f} ms"
        yield "how", "target stopped", f"by {_text(method)}{for_}"
    skew = _number(_at(report, "memory", "skew"))
    if skew is not None:
        yield "how", "first to last page", f"{skew / 1e6:.1f} ms"
    before, after = (_number(_at(report, "resident", key)) for key in ("before", "after"))
    if before is not None and after is not None:
        yield "how", "target grew by", binary_size(max(0, after - before))
    yield "how", "afterwards", _text(_at(report, "after", "verdict")).replace("_", " ")
    yield "target", "name", _text(_at(report, "target", "name"))
    yield "target", "user", _user(_at(report, "target", "credentials", "uids"))
    yield "target", "working directory", _text(_at(report, "target", "working_directory"))
    container = _at(report, "target", "container")
    if isinstance(container, Mapping) and container.get("container_id"):
        yield (
            "target",
            "container",
            f"{_text(container.get('runtime'))} {_text(container['container_id'])}",
        )
    parents = [f"{name} ({pid})" for pid, name in _parents(report)]
    yield "target", "started by", " ← ".join(parents[:8])
    yield "how", "pages", _causes(report)


def _synchronised(report: Mapping[str, Any]) -> bool | None:
    told = _at(report, "host", "time_synchronisation", "synchronised")
    return told if isinstance(told, bool) else None


def _parents(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Who started the process, and who those: pid and name."""
    return [
        (_text(one.get("pid")), _text(one.get("name")))
        for one in _list(_at(report, "target", "parents"))
        if isinstance(one, Mapping)
    ]


def _causes(report: Mapping[str, Any], besides: str | None = None) -> str:
    """Of the pages that came or did not come in other ways than by reading.

    Args:
        besides: a state that is left out.
    """
    causes = [
        f"{many(count, 'page')} {state.replace('_', ' ')}: {cause.replace('_', ' ')}"
        for state, cause, count in _counted(report)
        if state != besides
    ]
    more = len(causes) - _MOST_CAUSES
    return "; ".join([*causes[:_MOST_CAUSES], *([f"{more} more causes"] if more > 0 else [])])


def _from_files(report: Mapping[str, Any]) -> int:
    """Captured pages that were read from the files that are mapped."""
    return sum(
        count
        for state, cause, count in _counted(report)
        if state == "captured" and cause.startswith("from_file")
    )


def _counted(report: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """States, causes, and how many pages have them."""
    for one in _list(_at(report, "memory", "causes")):
        if isinstance(one, Mapping) and (count := _number(one.get("pages"))):
            yield _text(one.get("state")), _text(one.get("cause")), count


def _why(report: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """First addresses of regions, and why pages of them could not be read."""
    for region in _list(report.get("regions")):
        base = _text(_at(region, "base_addr"))
        if not _ADDRESS.fullmatch(base):
            continue
        causes = dict.fromkeys(
            f"{_text(one.get('cause')).replace('_', ' ')}{f' ({number})' if number else ''}"
            for one in _list(_at(region, "causes"))
            if isinstance(one, Mapping) and one.get("state") == "failed"
            for number in [_text(one.get("errno"))[:_LONGEST]]
        )
        if causes:
            yield int(base, 16), ", ".join(list(causes)[:_MOST_CAUSES])[:_LONGEST]


def _suspicions(report: Mapping[str, Any]) -> Iterator[Suspicion]:
    tracer = _number(_text(_at(report, "target", "status", "TracerPid")))
    guardian = _number(_at(report, "freeze", "guardian"))
    if tracer and tracer != guardian:
        yield Suspicion(
            "warn",
            "The process was being traced",
            f"Process {tracer} was attached to it as a debugger is.",
        )
    deleted = [
        f"descriptor {_text(one.get('fd'))}: {_text(one.get('target'))}"
        for one in _list(_at(report, "target", "descriptors"))
        if isinstance(one, Mapping) and one.get("deleted") is True
    ]
    if deleted:
        yield Suspicion(
            "note",
            "Open files that are deleted",
            f"The process has {many(len(deleted), 'file')} open that no folder lists any more.",
            tuple(deleted[:8]),
            max(0, len(deleted) - 8),
        )
    changes = _list(_at(report, "after", "changes"))
    if changes:
        yield Suspicion(
            "note",
            "The process changed while it was captured",
            "The acquisition found it otherwise afterwards than before.",
            tuple(str(one)[:200] for one in changes[:8]),
            max(0, len(changes) - 8),
        )


def _environment(report: Mapping[str, Any], redaction: Redaction) -> list[tuple[str, str]] | None:
    variables = _at(report, "target", "environment", "variables")
    if not isinstance(variables, list):
        return None
    found = []
    for one in variables:
        if isinstance(one, Mapping):  # not UTF-8
            one = one.get("text") or one.get("raw")
        name, equals, value = _text(one).partition("=")
        found.append(
            (
                name if equals else "",
                redaction.variable(value if equals else name, name if equals else ""),
            )
        )
    return found


def _user(uids: Any) -> str:
    real, effective = (_text(_at(uids, key)) for key in ("real", "effective"))
    if not effective:
        return ""
    return f"uid {effective}" + (f", started by uid {real}" if real not in ("", effective) else "")


def _command(report: Mapping[str, Any]) -> str:
    return " ".join(map(_text, _list(report.get("command_line"))))


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if value is None or isinstance(value, (str, int, bool)) else _text(value)


def _at(value: Any, *keys: str) -> Any:
    """What stands there; None where nothing does, or something of another form."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and "text" in value:
        value = value["text"]
    return "" if value is None else str(value)


def _joined(report: Mapping[str, Any], *places: tuple[str, ...]) -> str:
    return " ".join(text for place in places if (text := _text(_at(report, *place))))


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdigit() and len(value) < 30 else None


def _moment(value: Any) -> str:
    number = _number(value)
    return "" if number is None else readable.as_date(number) or ""
