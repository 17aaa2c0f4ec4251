"""``msl schema diff --breaking``: the changes with their classes, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from .. import __version__
from ..breaking.classes import ChangeClass
from ..breaking.classify import Classified, classified
from ..breaking.touched import touched
from ..drafts import find
from ..schema import Draft
from .check_sarif import SARIF_SCHEMA, file_uri
from .common import Exit, data_out, note, whoever_reads
from .text import Style, many

__all__ = ["show_breaking"]

_COLORS = {
    ChangeClass.SILENT_REINTERPRET: "red",
    ChangeClass.WIRE_BREAK: "red",
    ChangeClass.OLD_READER_REJECTS: "red",
    ChangeClass.OLD_FILE_INVALID: "yellow",
    ChangeClass.DEGRADED: "yellow",
}
_ADDITIVE = ChangeClass.ADDITIVE.severity


def show_breaking(
    old: str, new: str, form: str, fail_on: str | None, *, quiet: bool, style: Style
) -> int:
    """Print what draft B does to files and readers of draft A, and give the exit code."""
    drafts = find(old), find(new)
    changes = classified(*drafts)
    shown = [one for one in changes if not quiet or one.cls.severity > _ADDITIVE]
    shown.sort(key=lambda one: -one.cls.severity)
    forms: dict[str, Callable[[], Iterator[str]]] = {
        "text": lambda: _text(drafts, shown, style),
        "json": lambda: _json(drafts, changes),
        "github": lambda: _github(drafts, shown),
        "markdown": lambda: _markdown(drafts, shown),
        "sarif": lambda: _sarif(drafts, changes),
    }
    with whoever_reads(), data_out() as out:
        out.writelines(f"{line}\n" for line in forms[form]())
    if not quiet:
        note(f"msl: {new} after {old}: {_counts(changes)}")
    if fail_on is None:
        return Exit.FINDINGS if changes else Exit.FINE
    least = ChangeClass(fail_on.upper()).severity
    hits = [one for one in changes if one.cls.severity >= least]
    if hits and not quiet:
        note(f"msl: {many(len(hits), 'change')} of {fail_on.upper()} or graver")
    return Exit.FINDINGS if hits else Exit.FINE


Drafts = tuple[Draft, Draft]


def _counts(changes: Sequence[Classified]) -> str:
    found = Counter(one.cls for one in changes)
    return ", ".join(f"{found[cls]} {cls.value}" for cls in ChangeClass if found[cls]) or "the same"


def _touches(drafts: Drafts, one: Classified) -> tuple[str, ...]:
    return touched(*drafts, one.kind, one.where)


def _text(drafts: Drafts, changes: Sequence[Classified], style: Style) -> Iterator[str]:
    for cls in ChangeClass:
        found = [one for one in changes if one.cls is cls]
        if not found:
            continue
        yield style.paint(f"{cls.value} ({len(found)}): {cls.text}", fg=_COLORS.get(cls), bold=True)
        for one in found:
            yield f"  {one.change} {one.kind} {one.where}".rstrip()
            if cls.severity <= _ADDITIVE:
                continue
            yield f"      why    {one.reason}"
            if one.bytes:
                yield f"      bytes  {one.bytes}"
            if names := _touches(drafts, one):
                yield f"      rules  {', '.join(names)}"
            if one.remedy:
                yield f"      safe   {one.remedy}"


def _rows(drafts: Drafts, changes: Sequence[Classified]) -> Iterator[dict[str, object]]:
    for one in changes:
        row = asdict(one)
        row["class"] = row.pop("cls").value
        yield {"class": row.pop("class"), **row, "touches": list(_touches(drafts, one))}


def _json(drafts: Drafts, changes: Sequence[Classified]) -> Iterator[str]:
    found = Counter(one.cls for one in changes)
    worst = max((one.cls for one in changes), key=lambda cls: cls.severity, default=None)
    yield json.dumps(
        {
            "old": drafts[0].name,
            "new": drafts[1].name,
            "worst": worst.value if worst else None,
            "counts": {cls.value: found[cls] for cls in ChangeClass},
            "changes": list(_rows(drafts, changes)),
        },
        indent=2,
        ensure_ascii=False,
    )


def _place(draft: Draft, one: Classified) -> tuple[str, int] | None:
    """File and line of a draft of one's own that declares a change, as far as that can be told."""
    from ..drafts.authored import place_of

    for word in draft.amendments:
        if one.where.startswith(word.where.split(".")[0]) and word.what in str(one.after):
            return word.place
    try:
        return place_of(draft.name, one.where)
    except KeyError:
        return None


def _github(drafts: Drafts, changes: Sequence[Classified]) -> Iterator[str]:
    for one in changes:
        place = _place(drafts[1], one)
        where = f"file={_in_property(place[0])},line={place[1]}," if place else ""
        text = f"{one.change} {one.kind} {one.where}: {one.reason}"
        if one.remedy:
            text += f". Safe: {one.remedy}"
        yield f"::{_level(one.cls)} {where}title={one.cls.value}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _in_property(text: str) -> str:
    """Text where a comma or a colon would end it."""
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _level(cls: ChangeClass) -> str:
    if cls.severity >= ChangeClass.OLD_READER_REJECTS.severity:
        return "error"
    return "warning" if cls.severity > _ADDITIVE else "notice"


def _markdown(drafts: Drafts, changes: Sequence[Classified]) -> Iterator[str]:
    yield f"## What {drafts[1].name} does to files and readers of {drafts[0].name}"
    yield ""
    yield "| class | change | why | bytes | safe |"
    yield "|---|---|---|---|---|"
    for one in changes:
        what = f"{one.change} {one.kind} `{one.where or one.kind}`"
        cells = (one.cls.value, what, one.reason, one.bytes, one.remedy)
        yield f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """Text that neither ends its cell nor its row."""
    return " ".join(text.split()).replace("|", "\\|")


def _sarif(drafts: Drafts, changes: Sequence[Classified]) -> Iterator[str]:
    levels = {"error": "error", "warning": "warning", "notice": "note"}
    results = []
    for one in changes:
        location: dict[str, object] = {
            "logicalLocations": [{"fullyQualifiedName": one.where or drafts[1].name}]
        }
        place = _place(drafts[1], one)
        if place is not None:
            location["physicalLocation"] = {
                "artifactLocation": {"uri": file_uri(place[0])},
                "region": {"startLine": place[1]},
            }
        safe = f" Safe: {one.remedy}." if one.remedy else ""
        results.append(
            {
                "ruleId": one.cls.value,
                "ruleIndex": list(ChangeClass).index(one.cls),
                "level": levels[_level(one.cls)],
                "message": {
                    "text": f"{one.change} {one.kind} {one.where}: {one.reason}.{safe}",
                },
                "locations": [location],
                "partialFingerprints": {"change/v1": f"{one.change}:{one.kind}:{one.where}"},
            }
        )
    rules = [
        {
            "id": cls.value,
            "shortDescription": {"text": cls.text},
            "defaultConfiguration": {"level": levels[_level(cls)]},
        }
        for cls in ChangeClass
    ]
    driver = {"name": "msl-construct", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "results": results}
    report = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    yield json.dumps(report, indent=1, ensure_ascii=False)
