"""Files of other producers that lie in the repository itself; see tests/data/README.md."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from comparing import assert_same, built, document_of, text_of
from independent.decode import decode

import msl_construct
from msl_construct.errors import EncryptedError

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.glob("*/*.msl"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in FILES]
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
    assert verdict.complete == (path.stem != "api-no-eoc")
