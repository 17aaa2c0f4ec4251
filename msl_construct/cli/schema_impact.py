"""``msl schema impact``."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..drafts import find
from ..generate.targets import TARGETS
from .common import Exit, command, data_out, note, whoever_reads
from .drafts import DRAFT
from .terminal import wants_color
from .text import Style, many

if TYPE_CHECKING:
    from ..breaking.evidence import ImpactEvidence
    from ..breaking.impact import Impact

__all__ = ["impact"]

_FORMS = ("text", "json", "markdown")
_LEVELS = ("blocks", "regions", "payloads", "full")
_COLORS = {"wrong": "red", "refused": "red", "less": "yellow"}
_SHOWN = 60


class _GeneratedParser(click.ParamType):  # type: ignore[type-arg]
    """A language whose parser has a decoder, or a folder."""

    name = "LANG|DIR"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        languages = [one.name for one in TARGETS.values() if one.decoder is not None]
        if value not in languages and not os.path.isdir(value):
            self.fail(f"{value!r} is no folder and none of {', '.join(languages)}", param, ctx)
        return value


@command()
@click.argument("old", type=DRAFT, metavar="A")
@click.argument("new", type=DRAFT, metavar="B")
@click.option(
    "--decoder",
    "commands",
    metavar="CMD",
    multiple=True,
    help="Another reader, as of msl samples run: {} is the file. May be given several times.",
)
@click.option(
    "--level",
    type=click.Choice(_LEVELS),
    default="payloads",
    show_default=True,
    help="How much of a document each --decoder prints, as of msl samples run.",
)
@click.option(
    "--generated",
    "parsers",
    metavar="LANG|DIR",
    multiple=True,
    type=_GeneratedParser(),
    help="A parser of A in this language, generated and built now; or one that is set up in a "
    "folder. May be given several times.",
)
@click.option("--timeout", type=float, default=20.0, show_default=True, help="Seconds a file.")
@click.option("--format", "form", type=click.Choice(_FORMS), default="text", help="How.")
def impact(
    old: str,
    new: str,
    commands: tuple[str, ...],
    level: str,
    parsers: tuple[str, ...],
    timeout: float,
    form: str,
    quiet: bool,
    no_color: bool,
) -> int:
    """Show, on files, what draft B does to readers of draft A, and the other way round.

    Small files are made under both drafts: a few for each change, from the plans of the sample
    corpus and the examples of block types. The reader of A, the reader of B, every --decoder and
    every --generated parser reads them. For each change and reader it is said whether the reader
    says the same as was meant, less, something else, or refuses the file; and of what is not the
    same, the smallest file, the place and both values. Readers take the layouts of their draft
    whatever version the file has, as programs do that know one draft. Of what a reader is not
    asked nothing is said (-): generated parsers are asked for headers and regions.

    What files show is held against the class that msl schema diff --breaking gives. Where the two
    contradict each other, one of them has a defect, and it is said; so it is where another reader
    takes something for something else without a complaint, and the class says that none does, and
    where it reads otherwise what did not change.

    --generated takes a language, or the folder of a parser that was set up as its page says: msl
    generate LANG --draft A -o DIR. That is for runtimes that no registry has.

    --quiet leaves out what every reader reads as it was meant.

    \b
    Example:
      msl schema impact draft-2026-03 draft-2026-10
      msl schema impact draft-2026-10 mine.py:MINE --decoder 'python old_reader.py {}'
      msl schema impact draft-2026-10 mine.py:MINE --generated python --generated go

    Exit codes: 0 every reader says the same; 1 one does not; 2 usage, no such draft; 3 no compiler
    for --generated or no parser of A, or a decoder reads no file at all; 4 every reader says the
    same, but some change is in no file that could be made; 70 a class contradicts what files show.
    """
    from ..breaking.decoders import OtherReader
    from ..breaking.generated import generated_reader
    from ..breaking.impact import impact as found_impact
    from ..harness.levels import ComparisonLevel

    with tempfile.TemporaryDirectory(prefix="msl-parsers-") as folder, ExitStack() as open_ones:
        decoders = [OtherReader(one, timeout, level=ComparisonLevel(level)) for one in commands]
        for asked in dict.fromkeys(parsers):
            name = f"{old} in {asked}"
            decoders.append(generated_reader(asked, find(old), Path(folder) / asked, timeout, name))
        for decoder in decoders:
            open_ones.enter_context(closing(decoder))
        found = found_impact(find(old), find(new), decoders)
    names = [decoder.name for decoder in decoders]
    for name in names:
        if failure := _reads_nothing(found, name):
            note(f"msl: {name} reads no file at all: {_short(failure)}")
            return Exit.UNREADABLE
    readers = [old, new, *names]
    with whoever_reads(), data_out() as out:
        if form == "json":
            out.write(json.dumps(_json(found, readers), indent=2, ensure_ascii=False) + "\n")
        elif form == "markdown":
            out.writelines(f"{line}\n" for line in _markdown(found, readers, quiet))
        else:
            style = Style(wants_color(no_color))
            out.writelines(f"{line}\n" for line in _text(found, readers, quiet, style))
    if not quiet:
        shown = sum(found.shown(index) is not None for index in range(len(found.changes)))
        files = many(len(found.samples), "file")
        note(f"msl: {files}; {shown} of {many(len(found.changes), 'change')} shown")
        for line in found.not_made:
            note(f"msl: not made: {line}")
    _of_others(found, names)
    wrong = list(found.contradictions)
    for one in wrong:
        note(
            f"msl: a defect of ours: {one.change.kind} {one.change.where} is called "
            f"{one.change.cls.value}, files show {one.shown.value}"
        )
    if wrong:
        return Exit.DEFECT
    differ = any(_worst(found, index, reader) for index in _all(found) for reader in readers)
    differ = differ or bool(found.unexplained)
    if differ:
        return Exit.FINDINGS
    unshown = [change.where for index, change in enumerate(found.changes) if found.unproved(index)]
    if not unshown and not found.not_made:
        return Exit.FINE
    note(
        f"msl: {many(len(found.not_made), 'file')} could not be made or judged, and none shows "
        f"{many(len(unshown), 'change')} {_short(', '.join(unshown))}".rstrip()
    )
    return Exit.INCOMPLETE


def _of_others(found: Impact, names: Sequence[str]) -> None:
    """Say what other readers do that no class explains: one of the two has a defect."""
    for change, one in found.disputed:
        note(
            f"msl: {one.reader} reads {change.where} of '{one.sample.name}' as {_short(one.found)} "
            f"without a word, {_short(one.meant)} was meant: called {change.cls.value}, so the "
            "reader or the class has a defect"
        )
    for name in names:
        odd = [one for one in found.unexplained if one.reader == name]
        if odd:
            one = min(odd, key=lambda each: len(each.sample.data))
            note(
                f"msl: {name} reads {many(len(odd), 'place')} otherwise where nothing changed, as "
                f"{', '.join(one.paths) or 'a file'} of '{one.sample.name}' ({one.sample.draft}): "
                f"meant {_short(one.meant)}, found {_short(one.found)}"
            )


def _reads_nothing(found: Impact, reader: str) -> str:
    """Why a decoder shows none of the files; empty: it shows some."""
    said = [one for each in found.others for one in each if one.reader == reader and one.meant]
    refused = [one for one in said if one.outcome.value == "refused"]
    names = {(one.sample.name, one.sample.draft) for one in refused}
    asked = {
        (one.sample.name, one.sample.draft)
        for each in found.others
        for one in each
        if one.reader == reader
    }
    return refused[0].found if refused and names == asked else ""


def _all(found: Impact) -> range:
    return range(len(found.changes))


def _worst(found: Impact, index: int, reader: str) -> ImpactEvidence | None:
    """The gravest thing that a reader does at a change, in the smallest file; None: nothing."""
    seen = [
        one
        for one in (*found.evidence[index], *found.others[index])
        if one.reader == reader and one.outcome.value != "same"
    ]
    if not seen:
        return None
    grave = max(one.cls.severity for one in seen)
    return min(
        (one for one in seen if one.cls.severity == grave), key=lambda one: len(one.sample.data)
    )


def _cell(found: Impact, index: int, reader: str) -> str:
    worst = _worst(found, index, reader)
    if worst is not None:
        return worst.outcome.value
    everything = (*found.evidence[index], *found.others[index])
    return "same" if any(one.reader == reader for one in everything) else "-"


def _rows(found: Impact, readers: Sequence[str], quiet: bool) -> Iterator[int]:
    order = sorted(_all(found), key=lambda index: -found.changes[index].cls.severity)
    for index in order:
        if not quiet or any(_worst(found, index, reader) for reader in readers):
            yield index


def _text(found: Impact, readers: Sequence[str], quiet: bool, style: Style) -> Iterator[str]:
    for index in _rows(found, readers, quiet):
        change = found.changes[index]
        shown = found.shown(index)
        mark = "" if shown is change.cls else f", files show {shown.value if shown else 'nothing'}"
        name = f"{change.change} {change.kind} {change.where}".strip()
        yield style.paint(f"{change.cls.value}{mark}: {name}", bold=True)
        for reader in readers:
            worst = _worst(found, index, reader)
            cell = _cell(found, index, reader)
            if worst is None:
                if cell != "-":
                    yield f"    {reader}: {cell}"
                continue
            word = style.paint(worst.outcome.value, fg=_COLORS.get(worst.outcome.value))
            yield f"    {reader}: {word} in '{worst.sample.name}' of {worst.sample.draft}"
            place = ", ".join(filter(None, worst.paths[:3])) or "the file"
            yield f"        {place}: meant {_short(worst.meant)}, found {_short(worst.found)}"
            if worst.noticed:
                yield f"        noticed: {_short(worst.noticed)}"
    yield ""
    for reader in readers:
        counts = Counter(_cell(found, index, reader) for index in _all(found))
        words = ", ".join(f"{counts[w]} {w}" for w in ("same", "less", "wrong", "refused"))
        yield f"{reader}: {words}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _markdown(found: Impact, readers: Sequence[str], quiet: bool) -> Iterator[str]:
    yield f"| class | change | {' | '.join(_bare(one) for one in readers)} |"
    yield f"|---|---|{'---|' * len(readers)}"
    for index in _rows(found, readers, quiet):
        change = found.changes[index]
        cells = []
        for reader in readers:
            worst = _worst(found, index, reader)
            cell = _cell(found, index, reader)
            if worst is not None:
                cell += f": `{_bare(_short(worst.meant))}` as `{_bare(_short(worst.found))}`"
            cells.append(cell)
        yield f"| {change.cls.value} | `{change.where or 'draft'}` | {' | '.join(cells)} |"


def _bare(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")


def _json(found: Impact, readers: Sequence[str]) -> dict[str, object]:
    return {
        "readers": list(readers),
        "files": [
            {"name": one.name, "draft": one.draft, "size": len(one.data)} for one in found.samples
        ],
        "not_made": found.not_made,
        "changes": [
            {
                "class": change.cls.value,
                "change": change.change,
                "kind": change.kind,
                "where": change.where,
                "shown": shown.value if (shown := found.shown(index)) else None,
                "readers": {
                    reader: _told(_worst(found, index, reader), _cell(found, index, reader))
                    for reader in readers
                },
            }
            for index, change in enumerate(found.changes)
        ],
        "unexplained": [
            {"reader": one.reader, "file": one.sample.name, "draft": one.sample.draft}
            | {"paths": list(one.paths), "meant": one.meant, "found": one.found}
            for one in found.unexplained
        ],
        "contradictions": [
            {
                "where": one.change.where,
                "class": one.change.cls.value,
                "shown": one.shown.value,
            }
            for one in found.contradictions
        ],
    }


def _told(worst: ImpactEvidence | None, cell: str) -> dict[str, object]:
    if worst is None:
        return {"outcome": None if cell == "-" else cell}
    return {
        "outcome": worst.outcome.value,
        "file": worst.sample.name,
        "draft": worst.sample.draft,
        "paths": list(worst.paths),
        "meant": worst.meant,
        "found": worst.found,
        "noticed": worst.noticed or None,
    }
