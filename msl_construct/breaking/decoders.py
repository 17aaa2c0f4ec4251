"""Other readers: commands that print the canonical document, on the same files."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..document import Renderer
from ..document.emit import write_json
from ..drafts import schema
from ..errors import CompilerError, MslError
from ..generate import generate
from ..generate.targets import TARGETS
from ..generate.whole_files import place
from ..harness.comparing import Difference, compare
from ..harness.levels import ComparisonLevel
from ..harness.output import NoDocument, parse
from ..harness.process import Decoder
from ..reader import open_dump
from ..schema import Draft
from ..schema.base import Vocabulary
from ..schema.vocabulary import Reserved
from .classes import ChangeClass
from .evidence import ImpactEvidence, ReaderOutcome
from .making import ImpactSample
from .paths import layouts_by_path

__all__ = ["decoding", "generated"]

_LIMIT = 16 << 20
_REFUSED = 3
_KEPT = 10_000
"""Differences of a file that are looked at."""
_LESS = "nothing"
_PREPARING = 600
"""Seconds that compiling a generated parser, and fetching what it needs, may take."""


def decoding(
    command: str, timeout: float, name: str = ""
) -> Callable[[ImpactSample], list[ImpactEvidence] | None]:
    """What a decoder makes of a file, place by place, beside what its writer meant.

    None: nobody can say what its writer meant, and the decoder is not asked.

    Args:
        command: as of ``msl samples run --decoder``.
        timeout: seconds for a file.
        name: what it is called; the command by default.
    """
    decoder = Decoder(command)
    name = name or command

    def decode(sample: ImpactSample) -> list[ImpactEvidence] | None:
        expected = _document(sample)
        return None if expected is None else list(asked(sample, expected))

    def asked(sample: ImpactSample, expected: dict[str, Any]) -> Iterator[ImpactEvidence]:
        with tempfile.TemporaryDirectory(prefix="msl-impact-") as folder:
            path = Path(folder) / "sample.msl"
            path.write_bytes(sample.data)
            end = decoder.run(path, timeout=timeout, limit=_LIMIT)
        if end.code == _REFUSED or end.code is None or end.code < 0:
            said = end.err.decode("utf-8", "replace").strip().splitlines()
            text = said[-1] if said else f"exit code {end.code}"
            yield _evidence(name, sample, ReaderOutcome.REFUSED, "", "a file", text)
            return
        try:
            found = parse(end.out)
        except NoDocument as error:
            yield _evidence(name, sample, ReaderOutcome.REFUSED, "", "a document", str(error))
            return
        for one in compare(expected, found, ComparisonLevel.PAYLOADS, limit=_KEPT).differences:
            where = _where(one, expected)
            less = one.found == _LESS or _is_unnamed(one) or _is_reserved(sample, where)
            outcome = ReaderOutcome.LESS if less else ReaderOutcome.WRONG
            if one.expected == _LESS:
                continue  # it shows more than its writer's draft has
            yield _evidence(name, sample, outcome, where, one.expected, one.found)

    return decode


def generated(language: str, draft: Draft, folder: Path) -> str:
    """Generate a parser of a draft, get what it is run with, and give the command of its decoder.

    Args:
        folder: where it is put.

    Raises:
        CompilerError: no compiler will do, or what the parser needs can't be had.
    """
    target = TARGETS[language]
    assert target.decoder is not None
    (parser,) = generate([target], draft)
    place(folder, dict(parser.files), force=False)
    words = shlex.split(target.decoder.command)
    if words[0] == "python":
        words[0] = sys.executable
        if importlib.util.find_spec("kaitaistruct") is None:
            raise CompilerError("a parser in Python needs kaitaistruct: pip install kaitaistruct")
    else:
        _prepared(target.run[:-1], folder)
    inside = f'cd {shlex.quote(str(folder))} && exec {shlex.join(words)} "$0"'
    return f"sh -c {shlex.quote(inside)} {{}}"


def _prepared(steps: Sequence[str], folder: Path) -> None:
    """Do what the parser's page tells its user to do once."""
    for step in steps:
        try:
            done = subprocess.run(
                ["sh", "-c", step],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PREPARING,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerError(f"{step}: {error}") from None
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
            raise CompilerError(f"{step}: {said[-1] if said else f'exit code {done.returncode}'}")


_UNNAMED = re.compile(r'"0x[0-9a-f]+"|\["bit_\d+"(, "bit_\d+")*\]')


def _is_unnamed(one: Difference) -> bool:
    """Whether a reader shows a code or flag by its number, where the writer's draft has a name."""
    named = one.expected.startswith(('"', "[")) and not _UNNAMED.fullmatch(one.expected)
    return named and bool(_UNNAMED.fullmatch(one.found))


def _evidence(
    command: str, sample: ImpactSample, outcome: ReaderOutcome, where: str, meant: str, found: str
) -> ImpactEvidence:
    classes = {
        ReaderOutcome.REFUSED: ChangeClass.OLD_READER_REJECTS,
        ReaderOutcome.WRONG: ChangeClass.SILENT_REINTERPRET,
        ReaderOutcome.LESS: ChangeClass.DEGRADED,
    }
    paths: tuple[str, ...] = (where,) if where else ()
    if sample.code and _registry(sample, where) == sample.code.rpartition(".")[0]:
        paths = (*paths, sample.code)
    return ImpactEvidence(command, sample, classes[outcome], outcome, paths, meant, found)


def _kind(sample: ImpactSample, where: str) -> Vocabulary | None:
    """What a field of the writer's draft is."""
    outer, _, key = where.rpartition(".")
    layout = dict(layouts_by_path(schema(sample.draft))).get(outer)
    fields = layout.fields if layout is not None else ()
    return next((one.type for one in fields if one.key == key), None)


def _registry(sample: ImpactSample, where: str) -> str | None:
    """The registry of a field's codes."""
    kind = _kind(sample, where)
    return None if kind is None else kind.registry_name


def _is_reserved(sample: ImpactSample, where: str) -> bool:
    """Whether the bytes are nothing that anybody takes for something."""
    return isinstance(_kind(sample, where), Reserved)


def _document(sample: ImpactSample) -> dict[str, Any] | None:
    """The file as its writer's draft has it; None where that needs a key."""
    text = io.StringIO()
    try:
        with open_dump(sample.data, draft=sample.draft) as dump:
            write_json(Renderer().parts(dump), text.write)
    except MslError:
        return None
    document: dict[str, Any] = json.loads(text.getvalue())
    return document


_BLOCK = re.compile(r"\$\.blocks\[(\d+)\](?:\.payload)?\.?(.*)")


def _where(one: Difference, expected: dict[str, Any]) -> str:
    """The path of a difference as those of drafts have it."""
    found = _BLOCK.fullmatch(one.path)
    if found is None:
        return one.path.replace("$.header", "file_header").replace("$.", "")
    blocks = [*expected["blocks"], *(b for s in expected["segments"] for b in s["blocks"])]
    index = int(found[1])
    key = blocks[index]["block_type"] if index < len(blocks) else ""
    inside = re.sub(r"\[\d+\]", "[]", found[2])
    return f"{key}.{inside}" if inside else str(key)
