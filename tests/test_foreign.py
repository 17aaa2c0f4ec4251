"""Files of other producers that lie in the repository itself; see tests/data/README.md."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from comparing import assert_same, built, document_of, text_of
from independent.decode import decode

import msl_construct
from msl_construct.errors import DialectError, EncryptedError

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.glob("*/*.msl"))


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


NAMES = [_name(path) for path in FILES]
IN_A_DIALECT = {
    "memslicer-0.2.4/api-encrypted-zstd",
    "memslicer-0.4.0/api-encrypted-zstd",
    "memslicer-0.4.0/api-header-big-endian-flag",
}
"""What is said of how the file is to be read holds in a dialect alone."""
UNRECORDED = {
    "memdiver-0.5.6/api-live",
    "memdiver-0.7.0/api-live",
    "memdiver-0.7.0/api-pointer-graph",
}
"""Files without hashes that the draft demands: what they would show is not known."""
EVERY = pytest.mark.parametrize("path", FILES, ids=NAMES)


def test_nobody_has_changed_them() -> None:
    listed = dict(line.split()[::-1] for line in (DATA / "SHA256SUMS").read_text().splitlines())
    found = {
        path.relative_to(DATA).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (*FILES, *DATA.glob("documents/*"))
    }
    assert found == listed


@EVERY
def test_read_as_an_independent_decoder_reads_it(path: Path) -> None:
    data = path.read_bytes()
    if _name(path) in IN_A_DIALECT:  # tests/test_earlier_versions.py holds what is in them
        with pytest.raises(DialectError, match=r"in the dialect memslicer-0\.2"):
            document_of(data, path.name, dialect="none")
        return
    ours = document_of(data, path.name, dialect="none")
    assert_same(ours, decode(data, path.name), path.name)


@EVERY
def test_rebuilt_byte_for_byte(path: Path) -> None:
    data = path.read_bytes()
    for form in ("yaml", "ndjson"):
        assert built(text_of(data, form, with_data=True)) == data


@EVERY
def test_intact_unless_encrypted(path: Path) -> None:
    with msl_construct.open(path) as dump:
        if "encrypted" in path.stem:
            with pytest.raises(EncryptedError):
                dump.verify()
            return
        verdict = dump.verify()
    assert verdict.intact, str(verdict)
    assert verdict.complete == (path.stem != "api-no-eoc" and _name(path) not in UNRECORDED)
