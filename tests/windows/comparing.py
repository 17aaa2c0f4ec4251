"""The same commands on both systems, over the corpus: they say and write the same.

``python -m windows.comparing`` in tests/ takes every form of a command over every sample, which is
for those who have half an hour; ``--share 9`` takes one sample in nine, ``--form NAME`` one form.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from windows.environment import ROOT, Wine, dos, opened
from windows.targets import Answer, Runner

__all__ = ["FORMS", "SAMPLES", "WITHOUT_A_FILE", "Comparison", "compared", "removed", "stocked"]

SAMPLES = ROOT / "samples"

FORMS: dict[str, Sequence[str]] = {
    "tree": ("inspect", "{}"),
    "json": ("inspect", "--json", "{}"),
    "yaml": ("inspect", "--yaml", "--with-data", "{}"),
    "ndjson": ("inspect", "--ndjson", "{}"),
    "csv": ("inspect", "--csv", "--show", "regions", "{}"),
    "verify": ("verify", "--json", "{}"),
    "check": ("check", "--format", "json", "{}"),
    "verify text": ("verify", "{}"),
    "check all": ("check", "--all", "{}"),
    "sarif": ("check", "--format", "sarif", "{}"),
    "junit": ("check", "--format", "junit", "{}"),
    "strings": ("strings", "--json", "{}"),
    "strings text": ("strings", "-n", "6", "{}"),
    "search": ("search", "{}", "--hex", "7f45", "--json"),
    "extract": ("extract", "{}", "--all", "-o", "{out}"),
    "recover": ("recover", "{}", "-o", "{out}", "--json"),
    "convert": ("convert", "{}", "-o", "{out}"),
    "export": ("export", "{}", "--to", "raw", "-o", "{out}"),
    "core": ("export", "{}", "--to", "elf-core", "-o", "{out}"),
    "minidump": ("export", "{}", "--to", "minidump", "-o", "{out}"),
    "diff": ("diff", "{}", "live-le.msl", "--json"),
    "diff text": ("diff", "live-le.msl", "{}"),
    "offsets": ("inspect", "--json", "--offsets", "{}"),
    "read": ("read", "{}", "0x1000", "0x40", "--json"),
    "texts": ("search", "{}", "--text", "e", "--ndjson"),
    "pointers": ("search", "{}", "--pointer-to", "0x1000..0x100000", "--json"),
    "report": ("report", "{}", "-o", "{out}"),
    "markdown": ("report", "{}", "--format", "md", "-o", "-"),
    "csv tables": ("export", "{}", "--to", "csv", "-o", "{out}"),
    "ndjson tables": ("export", "{}", "--to", "ndjson", "-o", "{out}"),
    "old draft": ("convert", "{}", "--to-draft", "draft-2026-03", "-o", "{out}"),
    "append": ("append", "{out}", "doc.json"),
    "enrich": ("enrich", "{out}"),
    "sign": ("sign", "{out}", "--signing-key", "signing.pem"),
    "encrypt": ("encrypt", "{}", "-o", "{out}", "--key-file", "key"),
    "decrypt": ("decrypt", "{}", "-o", "{out}"),
    "decrypt with a key": ("decrypt", "{}", "-o", "{out}", "--key-file", "key"),
    "import": ("import", "{}", "-o", "{out}"),
    "yara": ("yara", "{}", "rules.yar", "--json"),
    "candidates": ("candidates", "{}", "--json"),
    "candidates of two": ("candidates", "live-le.msl", "{}"),
    "parquet": ("export", "{}", "--to", "parquet", "-o", "{out}"),
    "findings": ("export", "{}", "--to", "csv", "--findings", "--page-hashes", "-o", "{out}"),
}
"""Words of a command: ``{}`` is a sample, ``{out}`` what is written."""

WITHOUT_A_FILE: tuple[Sequence[str], ...] = (
    ("schema", "list"),
    ("schema", "show", "draft-2026-10", "thread_context"),
    ("schema", "diff", "draft-2026-03", "draft-2026-10"),
    ("schema", "diff", "draft-2026-03", "draft-2026-10", "--breaking"),
    ("schema", "check", "draft-2026-10"),
    ("schema", "export", "--to", "ksy"),
    ("schema", "export", "--to", "c"),
    ("schema", "export", "--to", "json"),
    ("schema", "export", "-o", "{out}"),
    ("schema", "export", "--check", "-o", "{out}"),
    ("samples", "list", "--samples", "{samples}"),
    ("samples", "generate", "--check", "-o", "{samples}"),
    ("generate", "nothing", "-o", "{out}"),
    ("verify",),
    ("nothing",),
    ("--version",),
)

GROWN = ("append", "enrich", "sign")
"""What is written is there before: a copy of the sample."""
NEW_NAMES = ("recover", "convert", "old draft", "import", "encrypt", "append", "enrich")
"""What is written has a UUID, a nonce or a time of its own."""

RULES = """
rule elf { strings: $a = { 7f 45 4c 46 } condition: $a }
rule text { strings: $a = "the" nocase wide ascii condition: $a }
"""
DOCUMENT = """{"document": 1, "blocks": [{"block_type": "related_dump", "payload": {
"related_dump_uuid": "8c2f7e10-93a4-4d5b-a1c6-0b7d2e4f6a81", "related_pid": 7,
"relationship": "parent"}}]}"""
SIGNING_KEY = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIEJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC
-----END PRIVATE KEY-----
"""

_OF_A_TABLE = re.compile(r"(?<=/)[0-9a-f]{16}-[0-9a-f]{12}(?=[-.])")
_MADE = re.compile(rb"Page made [0-9: -]+ UTC|\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC by")
"""When a page was made."""
_UUID = re.compile(rb"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def stocked(folder: Path) -> list[str]:
    """Put the corpus into a folder, and what commands take beside it; the names of the samples."""
    for file in SAMPLES.rglob("*.msl"):
        shutil.copy(file, folder)
    names = sorted(path.name for path in folder.glob("*.msl"))
    (folder / "rules.yar").write_text(RULES)
    (folder / "doc.json").write_text(DOCUMENT)
    (folder / "signing.pem").write_text(SIGNING_KEY)
    (folder / "key").write_bytes(bytes(range(32)))
    return names


class Comparison:
    """Runs commands on both systems, in one Python each.

    Args:
        folder: where they run; see `stocked`.
        there: runs them under Wine.
        here: runs them on this system.
    """

    def __init__(self, folder: Path, there: Runner, here: Runner) -> None:
        self._folder = folder
        self._runners = {"here": here, "there": there}

    def of_form(self, form: str, file: str) -> str:
        """What differs if a sample is given to a command; nothing if nothing does."""
        words = [word.replace("{}", file) for word in FORMS[form]]
        grown = file if form in GROWN else ""
        return self.of_words(words, grown=grown, new_names=form in NEW_NAMES)

    def of_words(self, form: Sequence[str], *, grown: str = "", new_names: bool = False) -> str:
        """What differs; nothing if nothing does.

        Args:
            form: ``{out}`` is what it writes, and ``{samples}`` the corpus.
            grown: of what the output is a copy at first.
            new_names: whether what it writes has names of its own.
        """
        for where, runner in self._runners.items():
            corpus = str(SAMPLES) if where == "here" else dos(SAMPLES)
            out = f"out-{where}"
            if grown:
                shutil.copy(self._folder / grown, self._folder / out)
            runner.ask(*(w.replace("{out}", out).replace("{samples}", corpus) for w in form))
        answers, written = [], []
        for where, runner in self._runners.items():
            out = f"out-{where}"
            answers.append(runner.answer())
            written.append(_below(self._folder, out))
            removed(self._folder / out)
        said = _difference(_said(answers[0], new_names), _said(answers[1], new_names))
        return said or _difference(
            *({name: _shown(data, new_names) for name, data in files.items()} for files in written)
        )


def _said(answer: Answer, new_names: bool) -> dict[str, object]:
    out, err = _plain(answer.out), _plain(answer.err.encode())
    if new_names:
        out, err = _UUID.sub(b"UUID", out), _UUID.sub(b"UUID", err)
    return {"exit code": answer.code, "stdout": out, "stderr": err}


def _shown(data: bytes, new_names: bool) -> object:
    return len(data) if new_names else _plain(data)


def _difference(here: dict[str, object], there: dict[str, object]) -> str:
    """What of two is not the same."""
    lines = []
    for name in sorted({*here, *there}):
        one, other = here.get(name, "nothing"), there.get(name, "nothing")
        if one != other:
            if isinstance(one, bytes) and isinstance(other, bytes):
                at = next((n for n, (a, b) in enumerate(zip(one, other)) if a != b), len(one))
                one, other = (f"{x[max(0, at - 40) : at + 200]!r} at {at}" for x in (one, other))
            lines.append(f"{name}: here {one}, there {other}")
    return "\n".join(lines)


def _below(folder: Path, out: str) -> dict[str, bytes]:
    """What was written, and what stands beside it. Tables go by names that tell where the dump is,
    which no other system calls so."""
    found = {}
    for file in (f for path in folder.glob(f"{out}*") for f in (path, *path.rglob("*"))):
        if file.is_file():
            name = file.relative_to(folder).as_posix().replace(out, "out", 1)
            found[_OF_A_TABLE.sub("", name)] = file.read_bytes()
    return found


def _plain(data: bytes) -> bytes:
    """Without what differs by right: where it was written, and when."""
    data = data.replace(b"out-there", b"out-here").replace(dos(SAMPLES).encode(), b"SAMPLES")
    data = data.replace(dos(SAMPLES).replace("\\", "/").encode(), b"SAMPLES")
    return _MADE.sub(b"", data.replace(str(SAMPLES).encode(), b"SAMPLES"))


def removed(path: Path) -> None:
    """Remove a file or a folder, and what stands beside it."""
    for other in path.parent.glob(f"{path.name}*"):
        if other.is_dir():
            shutil.rmtree(other)
        else:
            os.unlink(other)


@contextmanager
def compared(wine: Wine, folder: Path) -> Iterator[Comparison]:
    """Start what runs them."""
    with ExitStack() as started:
        there, here = Runner.there(wine, folder), Runner.here(folder)
        for runner in (there, here):
            started.callback(runner.close)
        yield Comparison(folder, there, here)


@click.command()
@click.option("--form", "forms", multiple=True, type=click.Choice(list(FORMS)))
@click.option("--share", default=1, help="One sample in so many.")
def _main(forms: Sequence[str], share: int) -> None:
    """Compare the command line under Wine with that of this system, over the corpus."""
    differ = 0
    with ExitStack() as started:
        place = Path(started.enter_context(tempfile.TemporaryDirectory()))
        folder = place / "samples"
        folder.mkdir()
        names = stocked(folder)[::share]
        wine = started.enter_context(opened(place))
        both = started.enter_context(compared(wine, folder))
        for form in forms or FORMS:
            began, found = time.monotonic(), 0
            for name in names:
                if difference := both.of_form(form, name):
                    found += 1
                    print(f"{form} {name}: {difference}", flush=True)
            seconds = time.monotonic() - began
            print(f"{form}: {len(names)} samples, {found} differ, {seconds:.0f} s", flush=True)
            differ += found
    sys.exit(differ > 0)


if __name__ == "__main__":
    _main()
