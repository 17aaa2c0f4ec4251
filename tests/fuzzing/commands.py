"""Put mutants to every command that reads a dump: what it ends with, prints and writes.

Usage: python tests/fuzzing/commands.py [--count 20000] [--from 0] [--seed NAME] [--seconds S]
       [--command NAME …] [--keep DIR] [FOLDER …]

With folders, the dumps below them as they are instead of mutants.

Each command runs in this process, as a call. It may end with what its help documents, says in a
line of stderr why it ends with 3 or more, and writes neither into the dump (`append` and `enrich`:
behind it) nor anywhere without success. What it shows as bytes of memory is held against
`independent.memory`, which reads page maps with `struct` alone: no byte may be shown as known,
found, extracted or carried over that the file does not have.

Exit codes: 0 nothing found; 1 something found, a line on stdout for each; 2 usage.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
if __package__ in (None, ""):  # run as a program
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]

import blake3  # noqa: E402 - found by what stands above
from click.testing import CliRunner  # noqa: E402
from independent import encryption as by_hand  # noqa: E402
from independent.decode import NotMsl, decode  # noqa: E402
from independent.memory import Known, Unsure, known  # noqa: E402
from test_fuzz import deadline  # noqa: E402

from fuzzing.mutants import mutants, originals  # noqa: E402
from fuzzing.seeds import judge_seeds, seed_options  # noqa: E402
from msl_construct.cli.group import cli  # noqa: E402

__all__ = ["COMMANDS", "judge", "main"]

FINE, FINDINGS, USAGE, UNREADABLE, INCOMPLETE, KEY = range(6)
BOUNDS = ("--max-inflate", "1048576")
SHORTEST_TEXT = 4
DEADLINE = 120
"""Seconds for a command and its kin beside whatever load: a hang is what this is for."""
YARA = 0.25
"""Part of the mutants that rules are asked of."""
MODULES = 4
"""Modules of a dump that are rebuilt as files."""
LIMIT = 200
SHOWN = 256
"""Bytes of a hit that are printed."""
LINE = re.compile(r"([0-9a-f]{16})  (.{48})  \|(.{16})\|(  .*)?")
"""Of a hexdump: address, sixteen bytes, their letters, states of those that are not known."""
CELLS = [3 * number + (number >= 8) for number in range(16)]
TABLES = (
    "index", "regions", "pages", "modules", "threads", "system", "processes", "connections",
    "handles", "blocks",
)  # fmt: skip
DOCUMENT = json.dumps(
    {
        "document": 1,
        "blocks": [
            {
                "block_type": "related_dump",
                "payload": {
                    "related_dump_uuid": "8c2f7e10-93a4-4d5b-a1c6-0b7d2e4f6a81",
                    "related_pid": 7,
                    "relationship": "parent",
                },
            }
        ],
    }
)
_SAID = 100


def _acting(text: str) -> str:
    """The first character that a terminal would act upon; nothing: there is none."""
    if text.replace("\n", "").isprintable():
        return ""
    return next(c for c in text if c != "\n" and not c.isprintable())


@dataclass
class Ran:
    """What came of a command."""

    code: int
    out: bytes
    errors: str


@dataclass
class Bench:
    """A mutant in a folder of its own, and what is known of it.

    Attributes:
        read: options of the commands that read a dump.
        memory: what it knows; None: nobody said.
    """

    folder: Path
    data: bytes
    chance: random.Random
    read: tuple[str, ...] = ()
    memory: Known | None = None
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.path = self.folder / "dump.msl"
        self.path.write_bytes(self.data)
        self.read = BOUNDS
        if self.chance.random() < 0.5:
            self.read += ("--dialect", "none")
            try:
                self.memory = known(self.data)
            except (NotMsl, Unsure):
                self.memory = None

    def either(self) -> bool:
        """One of two ways to ask: there is no time for all with every mutant."""
        return self.chance.random() < 0.5

    def run(
        self,
        *words: object,
        codes: tuple[int, ...],
        grows: bool = False,
        writes: tuple[int, ...] = (FINE, INCOMPLETE),
    ) -> Ran:
        """Run a command, and see that it ended as it may.

        Args:
            words: the command line.
            codes: that it may end with.
            grows: whether it writes behind the dump.
            writes: codes with which it may leave something.
        """
        before = {path.name for path in self.folder.iterdir()}
        line = [str(word) for word in words]
        done = CliRunner().invoke(cli, line)
        said = f"msl {' '.join(line)}"
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise AssertionError(f"{said}: {done.exception!r}") from done.exception
        assert done.exit_code in codes, f"{said} ends with {done.exit_code}: {done.stderr}"
        assert "Traceback" not in done.stderr, said
        if done.exit_code >= UNREADABLE:
            assert "msl: " in done.stderr, f"{said} says nothing of {done.exit_code}"
        assert not _acting(done.stderr), f"{said}: {_acting(done.stderr)!r} on stderr"
        there = self.path.read_bytes()
        if grows and done.exit_code in (FINE, INCOMPLETE):
            assert there.startswith(self.data), f"{said} changed what was there"
        else:
            assert there == self.data, f"{said} changed the dump"
        new = {path.name for path in self.folder.iterdir()} - before
        if done.exit_code not in writes:
            assert not new, f"{said} ended with {done.exit_code} and left {new}"
        else:
            assert not [name for name in new if name.startswith(".")], f"{said} left {new}"
        return Ran(done.exit_code, done.stdout_bytes, done.stderr)

    def text(self, *words: object, codes: tuple[int, ...]) -> Ran:
        """The same; what it prints is for a terminal."""
        done = self.run(*words, codes=codes)
        acting = _acting(done.out.decode())
        assert not acting, f"msl {words}: {acting!r} on stdout"
        return done

    def new(self, name: str) -> Path:
        """A place for what is written."""
        return self.folder / f"{len(list(self.folder.iterdir()))}-{name}"

    def address(self) -> int:
        """One where something is, or nothing."""
        if self.memory is not None and self.memory.pieces and self.chance.random() < 0.8:
            start, data = self.chance.choice(self.memory.pieces)
            shift = self.chance.choice((0, -1, -8, len(data) - 3, len(data) // 2))
            return max(0, start + shift) & (1 << 64) - 1
        return self.chance.choice((0, 4096, (1 << 47) - 4096, 1 << 63, (1 << 64) - 16))

    def holds(self, address: int, data: bytes, what: str) -> None:
        """See that bytes which were shown are those of the file."""
        if self.memory is not None:
            assert self.memory.has(address, data), f"{what} at {address:#x} that nobody knows"

    def refused(self, done: Ran) -> None:
        """See that who can't write a file anew can't read it either, or says which limit it is."""
        if done.code == UNREADABLE and "limit" not in done.errors:
            self.run("inspect", "--json", *self.read, self.path, codes=(UNREADABLE,))

    def carried(self, path: Path, what: str) -> None:
        """See that a file which was written is whole, and knows nothing more."""
        verdict = self.run("verify", "--json", path, codes=(FINE, INCOMPLETE))
        assert json.loads(verdict.out)["intact"] is not False, what
        if self.memory is None:
            return
        for start, data in known(path.read_bytes()).pieces:
            self.holds(start, data, what)


READS = (FINE, UNREADABLE, INCOMPLETE, KEY)
FINDS = (FINE, FINDINGS, UNREADABLE, INCOMPLETE, KEY)
NAMES = (*READS, USAGE)  # of something that need not be there


def inspect(bench: Bench) -> None:
    form = bench.chance.choice(("--json", "--yaml", "--ndjson", "--csv", "--quiet", "--all"))
    if form == "--csv":
        table = bench.chance.choice(TABLES)
        bench.run("inspect", form, "--show", table, *bench.read, bench.path, codes=NAMES)
    elif form in ("--quiet", "--all"):
        bench.text("inspect", form, *bench.read, bench.path, codes=READS)
    else:
        bench.run("inspect", form, *bench.read, bench.path, codes=READS)


def verify(bench: Bench) -> None:
    if bench.either():
        bench.text("verify", *bench.read, bench.path, codes=FINDS)
    else:
        bench.run("verify", "--json", *bench.read, bench.path, codes=FINDS)


def check(bench: Bench) -> None:
    bench.text("check", *bench.read, bench.path, codes=FINDS)


def build(bench: Bench) -> None:
    """Whatever a document says of a file makes the file again."""
    document, made = bench.new("document.json"), bench.new("built.msl")
    done = bench.run("inspect", "--json", "--with-data", *bench.read, bench.path, codes=READS)
    if done.code not in (FINE, INCOMPLETE):
        return
    document.write_bytes(done.out)
    bench.run("build", document, "-o", made, codes=(FINE,))
    assert made.read_bytes() == bench.data, "build makes another file"


def read(bench: Bench) -> None:
    words = "read", *bench.read, bench.path, hex(bench.address())
    length = bench.chance.choice(("1", "64", "0x1001", "5000", "70000"))
    done = bench.run(*words, length, "--json", codes=READS)
    if done.out:
        shown = json.loads(done.out)
        at = int(shown["address"], 16)
        for run in shown["runs"]:
            assert int(run["address"], 16) == at
            assert ("bytes" in run) == (run["state"] == "captured")
            if "bytes" in run:
                assert len(run["bytes"]) == 2 * run["length"]
                bench.holds(at, bytes.fromhex(run["bytes"]), "bytes")
            at += run["length"]
        assert at == int(shown["address"], 16) + shown["length"]
    if bench.either():
        _dumped(bench, bench.text(*words, codes=READS).out.decode())
        return
    view = bench.chance.choice(("u8", "u64", "f64", "ptr", "ascii", "utf8", "utf16", "time"))
    bench.text(*words, min(length, "5000", key=len), "--as", view, codes=READS)
    raw = bench.run(*words, "64", "--raw", codes=READS)
    if raw.out:
        bench.holds(int(words[-1], 16), raw.out, "raw bytes")
        return
    named = bench.chance.choice(("reg:rip", "reg:rsp@1", "[heap]", "libc.so.6+0x10", "region:0x0"))
    bench.text("read", *bench.read, bench.path, named, codes=NAMES)


def _dumped(bench: Bench, text: str) -> None:
    """See that a hexdump shows what is known, beside its letters."""
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        if found is None:
            assert line.startswith("* ") or line.endswith(":"), f"a line of its own kind: {line}"
            continue
        at, column = int(found[1], 16) // 16 * 16, found[3].ljust(16)
        cells = [found[2][place : place + 2] for place in CELLS]
        for number, (cell, letter) in enumerate(zip(cells, column)):
            if cell not in ("  ", "??"):
                byte = int(cell, 16)
                bench.holds(at + number, bytes([byte]), "a byte of a hexdump")
                assert letter == (chr(byte) if 0x20 <= byte < 0x7F else ".")


def _hits(bench: Bench, done: Ran, what: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in done.out.splitlines()]
    found = [row for row in found if row["kind"] != "gap"]
    for hit in found:
        data = bytes.fromhex(hit["bytes"])
        assert len(data) == min(hit["length"], SHOWN)
        bench.holds(int(hit["address"], 16), data, what)
        before = bytes.fromhex(hit["before"])
        bench.holds(int(hit["address"], 16) - len(before), before, f"{what}'s context")
        behind = int(hit["address"], 16) + hit["length"]
        bench.holds(behind, bytes.fromhex(hit["after"]), f"{what}'s context")
    return found


def search(bench: Bench) -> None:
    wanted, place, many = "00", None, ("--limit", LIMIT)
    if bench.memory is not None and bench.memory.pieces:
        start, data = bench.chance.choice(bench.memory.pieces)
        at = bench.chance.randrange(len(data))
        wanted = data[at : at + 6].hex()
        place = start + at if bench.memory.alone(start + at, len(data[at : at + 6])) else None
    words = "search", *bench.read, bench.path, "--ndjson", *many
    done = bench.run(*words, "--hex", wanted, codes=FINDS)
    found = _hits(bench, done, "a hit")
    assert all(hit["bytes"] == wanted for hit in found)
    if place is not None and place < 1 << 64 and done.code in (FINE, FINDINGS):
        there = len(found) == LIMIT or any(int(hit["address"], 16) == place for hit in found)
        assert there, f"{wanted} at {place:#x} was not found, and nothing was said"
    patterns = (
        ("--regex", "[a-z]{3,9}"), ("--utf16", "a"), ("--int", "1"), ("--hex", "00??[1-3]0?"),
        ("--pointer-to", "0x1000..0x7fffffffffff"), ("-i", "--text", "lib"),
    )  # fmt: skip
    chosen = bench.chance.choice(patterns)
    if bench.either():
        _hits(bench, bench.run(*words, *chosen, codes=FINDS), "a hit")
        return
    shown = "search", *bench.read, bench.path, *many, *chosen, "--protection", "r"
    bench.text(*shown, codes=(*FINDS, USAGE))


def strings(bench: Bench) -> None:
    words = "strings", *bench.read, bench.path, "--limit", "500"
    if bench.either():
        bench.text(*words, codes=FINDS)
        return
    for hit in _hits(bench, bench.run(*words, "--ndjson", codes=FINDS), "a text"):
        assert len(hit["text"]) >= SHORTEST_TEXT


def yara(bench: Bench) -> None:
    if find_spec("yara_x") is None or bench.chance.random() > YARA:
        return
    rules = bench.new("rules.yar")
    rules.write_text("rule some { strings: $a = { 00 00 } $b = /[a-z]{5}/ condition: any of them }")
    words = "yara", *bench.read, bench.path, rules, "--processes", "0", "--limit", "100"
    _hits(bench, bench.run(*words, "--ndjson", codes=FINDS), "a match")
    bench.text(*words, codes=FINDS)


def extract(bench: Bench) -> None:
    folder = bench.new("extracted")
    done = bench.run("extract", *bench.read, bench.path, "--all", "-o", folder, codes=READS)
    if not folder.exists():
        assert done.code in (UNREADABLE, KEY)
        return
    for part in json.loads((folder / "manifest.json").read_bytes())["parts"]:
        if part["file"] is None:
            assert all(state != "captured" for _, _, state in part["runs"])
            continue
        path, at = folder / part["file"], int(part["base_addr"], 16)
        assert path.stat().st_size == part["size"]
        with path.open("rb") as file:
            for offset, length, state in part["runs"]:
                file.seek(offset)
                piece = file.read(min(length, 1 << 20 if state == "captured" else 1 << 12))
                if state == "captured":
                    bench.holds(at + offset, piece, "extracted bytes")
                else:
                    assert not any(piece), "what is not known is no hole"
        if part["size"] <= 1 << 20:
            stored = path.read_bytes()
            assert part["blake3"] == blake3.blake3(stored).hexdigest()
            assert part["sha256"] == hashlib.sha256(stored).hexdigest()
    shutil.rmtree(folder)
    _rebuilt(bench)


def _rebuilt(bench: Bench) -> None:
    """See that a module which is made a file has bytes of memory, and names what it lacks."""
    if bench.memory is None:
        return
    done = bench.run("inspect", "--json", "--show", "modules", *bench.read, bench.path, codes=READS)
    rows = json.loads(done.out).get("modules", []) if done.out else []
    paths = [row["path"] for row in rows if row.get("path")][:MODULES]
    for path in paths:
        folder = bench.new("rebuilt")
        words = "extract", *bench.read, bench.path, "--as-file", "-o", folder
        bench.run(*words, "--module", path, codes=NAMES)
        if not folder.exists():
            continue
        for part in json.loads((folder / "manifest.json").read_bytes())["parts"]:
            if part["file"] is None:
                continue
            stored = (folder / part["file"]).read_bytes()
            lacking = {offset for offset, *_ in part["missing"]}
            for offset, length, state in part["runs"]:
                piece = stored[offset : offset + length]
                if state != "captured":
                    assert offset in lacking, "what is not known is not said to be missing"
                    assert not any(piece), "what is not known is no hole"
            for offset, size, address, _ in part["segments"] if not part["altered"] else ():
                for at, length, state in part["runs"]:
                    low, high = max(at, offset), min(at + length, offset + size)
                    if low < high and state == "captured":
                        place = int(address, 16) + low - offset
                        bench.holds(place, stored[low:high], "a byte of a file")
        shutil.rmtree(folder)


def diff(bench: Bench) -> None:
    words = "diff", *bench.read
    done = bench.run(*words, "--json", bench.path, bench.path, codes=READS)
    if done.out:
        pages = json.loads(done.out)["pages"]
        differing = [pages[key] for key in ("changed", "only_a", "only_b")]
        assert not any(differing), "it differs from itself"
    other = bench.new("other.msl")
    other.write_bytes(bench.chance.choice(originals()))
    how = bench.chance.choice(("auto", "address", "module"))
    if bench.either():
        bench.text(*words, "--align", how, "--bytes", bench.path, other, codes=FINDS)
        return
    done = bench.run(*words, "--json", "--bytes", other, bench.path, codes=FINDS)
    for change in json.loads(done.out)["changes"] if done.out else ():
        for (address, length), (_, after) in zip(change["runs"], change["bytes"]):
            shown = bytes.fromhex(after)
            assert len(shown) == min(length, 1 << 16)
            if json.loads(done.out)["align"] == "address":
                bench.holds(int(address, 16), shown, "a changed byte")


def candidates(bench: Bench) -> None:
    bench.text("candidates", *bench.read, bench.path, codes=FINDS)
    done = bench.run("candidates", "--json", *bench.read, bench.path, codes=FINDS)
    for row in json.loads(done.out)["candidates"] if done.out and bench.memory else ():
        at = int(row["address"], 16)
        assert bench.memory is not None
        known = all(bench.memory.at(at + n) for n in range(min(row["length"], SHOWN)))
        assert known, f"a candidate at {at:#x} of bytes that nobody knows"


def report(bench: Bench) -> None:
    form, page = bench.chance.choice(("html", "md")), bench.new("report")
    words = "report", *bench.read, "--format", form, bench.path, "-o", page
    kept = FINE, FINDINGS, INCOMPLETE, KEY
    done = bench.run(*words, codes=FINDS, writes=kept)
    assert page.exists() == (done.code in kept)


def recover(bench: Bench) -> None:
    made = bench.new("rest.msl")
    done = bench.run("recover", *bench.read, bench.path, "-o", made, "--json", codes=NAMES)
    bench.refused(done)
    if made.exists():
        assert bool(json.loads(done.out)["lost"]) <= (done.code == INCOMPLETE)
        memory, bench.memory = bench.memory, None  # what is behind damage is known as well
        bench.carried(made, "recovered bytes")
        bench.memory = memory


def convert(bench: Bench) -> None:
    made, draft = bench.new("new.msl"), bench.chance.choice(("draft-2026-03", "draft-2026-10"))
    words = "convert", *bench.read, "--to-draft", draft, bench.path, "-o", made
    packed = bench.chance.choice(((), ("--compress", "zstd"), ("--compress", "lz4")))
    bench.refused(bench.run(*words, *packed, codes=NAMES))
    if made.exists():
        bench.carried(made, "converted bytes")


def export(bench: Bench) -> None:
    """What comes back of a core knows nothing that the dump did not."""
    form = bench.chance.choice(("elf-core", "minidump", "raw", "csv", "ndjson"))
    written = bench.new(f"dump.{form}")
    bench.run("export", *bench.read, bench.path, "--to", form, "-o", written, codes=READS)
    if form in ("csv", "ndjson") or not written.exists():
        return
    if form != "raw":
        made = bench.new("back.msl")
        bench.run("import", written, "-o", made, codes=(FINE, INCOMPLETE))
        bench.carried(made, "exported bytes")
        return
    stored = written.read_bytes()
    for row in json.loads(Path(f"{written}.states.json").read_bytes())["states"]:
        if row["state"] == "captured":
            piece = stored[row["offset"] :][: row["length"]]
            assert len(piece) == row["length"]
            bench.holds(int(row["address"], 16), piece, "raw bytes")


def encrypt(bench: Bench) -> None:
    key, sealed, made = bench.new("key"), bench.new("sealed.msl"), bench.new("open.msl")
    key.write_bytes(bytes(range(32)))
    words = "--key-file", key, "-o"
    done = bench.run("encrypt", bench.path, *words, sealed, codes=FINDS)
    if not sealed.exists():
        assert done.code != FINE
        return
    bench.run("decrypt", *bench.read, sealed, *words, made, codes=(done.code,))
    bench.carried(made, "decrypted bytes")
    if bench.either():
        bench.run("verify", sealed, codes=(KEY,))


def known_behind(data: bytes, key: bytes) -> Known | None:
    """What an encrypted file knows of memory; None: nobody said, or it has sealed segments.

    Raises:
        InvalidTag: it has been changed.
    """
    found = by_hand.opened(data, key)
    view = bytearray(found.view)
    view[0x0C] &= ~4  # Encrypted: the blocks stand open behind the header now
    try:
        return None if found.sealed else known(bytes(view))
    except Unsure:
        return None


def decrypt(bench: Bench) -> None:
    key, made = bench.new("key"), bench.new("open.msl")
    key.write_bytes(bytes(range(32)))
    words = "decrypt", *bench.read, bench.path, "--key-file", key, "-o", made
    bench.run(*words, codes=(*FINDS, USAGE))  # some of the corpus is sealed with this very key
    if made.exists():
        if bench.memory is not None:
            bench.memory = known_behind(bench.data, by_hand.KEY)
        bench.carried(made, "decrypted bytes")


@lru_cache(maxsize=1)
def signing_key() -> bytes:
    """A private key, new in every run."""
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    form, closed = forms.PrivateFormat.PKCS8, forms.NoEncryption()
    return Ed25519PrivateKey.generate().private_bytes(forms.Encoding.PEM, form, closed)


def sign(bench: Bench) -> None:
    key = bench.new("key.pem")
    key.write_bytes(signing_key())
    key.chmod(0o600)
    done = bench.run("sign", *bench.read, bench.path, "--signing-key", key, codes=FINDS)
    signature = bench.path.with_name("dump.msl.statement.sig")
    assert signature.exists() == (done.code in (FINE, INCOMPLETE))
    if signature.exists():
        words = "verify", *bench.read, bench.path, "--signature", signature
        bench.text(*words, codes=(FINE, INCOMPLETE))
        for name in "dump.msl.statement", "dump.msl.statement.sig":
            (bench.folder / name).unlink()


def timestamp(bench: Bench) -> None:
    done = bench.run("timestamp", *bench.read, bench.path, codes=FINDS)
    request = bench.path.with_name("dump.msl.statement.tsq")
    assert request.exists() == (done.code in (FINE, INCOMPLETE))
    for path in bench.folder.glob("dump.msl.statement*"):
        path.unlink()


def _grown(bench: Bench, done: Ran) -> None:
    """See that a dump to which something was added is as sound as before; take it away again."""
    if bench.path.stat().st_size != len(bench.data):
        assert done.code in (FINE, INCOMPLETE)
        after = bench.path.read_bytes()
        bench.path.write_bytes(bench.data)
        if decode(bench.data)["blocks"]:  # of memslicer's that say the wrong byte order it has none
            segments = decode(after)["segments"]
            assert segments, "what was appended is no segment"
            assert segments[-1]["verdict"]["intact"]
        grown = bench.new("grown.msl")
        grown.write_bytes(after)
        bench.run("verify", grown, codes=(FINE, INCOMPLETE))


def append(bench: Bench) -> None:
    document = bench.new("document.json")
    document.write_text(DOCUMENT)
    words = "append", bench.path, document
    _grown(bench, bench.run(*words, codes=(*NAMES, FINDINGS), grows=True))


def enrich(bench: Bench) -> None:
    _grown(bench, bench.run("enrich", bench.path, codes=(*NAMES, FINDINGS), grows=True))


COMMANDS: dict[str, Callable[[Bench], None]] = {
    one.__name__: one
    for one in (
        inspect, verify, check, build, read, search, strings, yara, extract, diff, candidates,
        report, recover, convert, export, encrypt, decrypt, sign, timestamp, append, enrich,
    )
}  # fmt: skip
"""Each command that reads a dump, with what is done to it."""


def judge(
    seed: str, names: tuple[str, ...] = tuple(COMMANDS), files: Iterable[bytes] | None = None
) -> int:
    """Put the mutants of a seed to commands, or other files; how many there were."""
    count = 0
    for data in mutants(seed) if files is None else files:
        count += 1
        for name in names:
            with tempfile.TemporaryDirectory(prefix="msl-commands-") as folder:
                bench = Bench(Path(folder), data, random.Random(f"{seed} {count} {name}"))
                with deadline(DEADLINE):
                    try:
                        COMMANDS[name](bench)
                    except BaseException as error:
                        raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
    return count


def judge_stored(folders: list[Path], names: tuple[str, ...], end: float) -> int:
    """Put files as they are to commands; the exit code."""
    paths = sorted(path for folder in folders for path in folder.rglob("*.msl"))
    found = done = 0
    for path in paths:
        if time.monotonic() > end:
            break
        done += 1
        try:
            judge(path.name, names, [path.read_bytes()])
        except AssertionError as error:
            found += 1
            print(f"{path}: {error}", flush=True)
    print(f"{done} of {len(paths)} files, {found} found")
    return 1 if found else 0


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    seed_options(parser, count=20_000, seed="commands")
    parser.add_argument("--command", action="append", choices=list(COMMANDS))
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    given = parser.parse_args(arguments)
    names = tuple(given.command or COMMANDS)
    if given.folders:
        return judge_stored(given.folders, names, time.monotonic() + given.seconds)
    return judge_seeds(given, lambda seed, _: judge(seed, names), mutants, said=_SAID)


if __name__ == "__main__":
    sys.exit(main())
