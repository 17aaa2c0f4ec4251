"""What the rules find in other producers' files, and why: every finding is explained here."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SHARED, shared

import msl_construct
from msl_construct.errors import DialectError
from msl_construct.rules import check

DATA = Path(__file__).parent / "data"

# MemDiver ends Module Entries behind DiskHash: BlobLen, Reserved2 and NativeBlob are missing.
NO_BLOB = "MSL-5.2-MODULE-ENTRY-TOO-SHORT"
# Missing on MemDiver's Module List Index, and on memslicer's System Context and, where there
# are threads, on its Process Identity.
CHILDREN = "MSL-4.2-HAS-CHILDREN-MISSING"
# memslicer 0.2.7 sets it on every Module List Index, be it the parent of a module or not.
NO_CHILDREN = "MSL-4.2-HAS-CHILDREN-UNFOUNDED"
# Neither of them ever sets HasKeyHints.
HINTS = "MSL-4.2-HAS-KEY-HINTS-MISSING"
# 1.0 does not know the investigation tables; 0x0055 is Connectivity Table in MemDiver and
# Kernel Symbol Bundle in memslicer, which also writes 0x0056 to 0x0058.
UNKNOWN = "MSLX-4.3-BLOCK-TYPE-UNREGISTERED"
# Bits that 1.0 leaves undefined (Investigation, CapBitmap 11 to 14) and MemDiver's CapBitmap 15.
BITS = "MSL-3-FILE-HEADER-UNDEFINED-FLAG"
# The 32 bytes of SourceHash that MemDiver appends to Import Provenance.
SOURCE_HASH = "MSL-9-IMPORT-PROVENANCE-SURPLUS-BYTES"
# MemDiver writes the System Context behind the modules.
CONTEXT = "MSL-6-SYSTEM-CONTEXT-NOT-THIRD"
# memslicer's Connectivity Table has no parent.
ORPHAN = "MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT"
# 0.5 writes BlockCount into every End-of-Capture, also where the header says 1.0.
RESERVED = "MSL-4.5-END-OF-CAPTURE-RESERVED-NOT-ZERO"
# CapBitmap bit 0 is set whether a region follows or not.
NO_REGION = "MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK"
# MemDiver writes 24 bytes of nonce, whichever cipher it is for.
NONCE = "MSL-3-NONCE-TAIL-NOT-ZERO"

# What these files were made to hold: extreme values that their writers let pass.
EMPTY_REGION = "MSLX-5.1-REGION-EMPTY"
ALIGNED = (
    "MSL-6-SYSTEM-CONTEXT-RESERVED-NOT-ZERO",
    "MSL-6-SYSTEM-CONTEXT-UNDEFINED-FLAG",
    "MSL-6-SYSTEM-CONTEXT-LENGTH-TOO-LARGE",
)
EMPTY_KEY = "MSLX-5.6-KEY-HINT-EMPTY"
KEY_OF_NOTHING = "MSL-5.6-KEY-HINT-WITHOUT-REGION"  # RegionUUID is zeros
KEY_TYPE = "MSLX-5.6-KEY-HINT-UNREGISTERED-CODE"  # 0x000C is of 1.1
NO_REGISTERS = ("MSL-5.7-PROGRAM-COUNTER-MISSING", "MSL-5.7-STACK-POINTER-MISSING")
NO_INDEX = "MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND"
WRITTEN_AT = "MSLX-4.6-SEGMENT-WRITTEN-BEFORE-CAPTURE"  # made up, or taken too early
BLOB = "MSL-5.2-NATIVE-BLOB-NOT-TEXT"  # bytes of an odd number, which are no line of maps
NO_END = "MSL-4.5-END-OF-CAPTURE-ABSENT"
MAP = (
    "MSL-5.8-VAS-MAP-ENTRY-UNDEFINED-FLAG",
    "MSLX-5.8-VAS-MAP-ENTRY-UNREGISTERED-CODE",
    "MSLX-5.8-VAS-MAP-MISPLACED",
)

MEMDIVER = (NO_BLOB, CHILDREN)

EXPECTED: dict[str, tuple[str, ...]] = {
    "memdiver-1.0.2/api-basic-lz4": MEMDIVER,
    "memdiver-1.0.2/api-basic-none": MEMDIVER,
    "memdiver-1.0.2/api-basic-zstd": MEMDIVER,
    "memdiver-1.0.2/api-encrypted-passphrase-aesgcm-zstd": (NONCE,),
    "memdiver-1.0.2/api-encrypted-passphrase-xchacha20": (),
    "memdiver-1.0.2/api-encrypted-rawkey-aesgcm": (NONCE,),
    "memdiver-1.0.2/api-extension-segments-2": (*MEMDIVER, WRITTEN_AT),
    "memdiver-1.0.2/api-import-provenance-note-hash": (BITS, SOURCE_HASH),
    "memdiver-1.0.2/api-investigation-all-tables": (
        *MEMDIVER,
        UNKNOWN,
        CONTEXT,
        *ALIGNED,
    ),
    "memdiver-1.0.2/api-key-hints": (*MEMDIVER, HINTS, EMPTY_KEY),
    "memdiver-1.0.2/api-pagestates-all": (NO_INDEX, EMPTY_REGION),
    "memdiver-1.0.2/api-pointer-graph-extension": (*MEMDIVER, WRITTEN_AT),
    "memdiver-1.0.2/api-region-split-cap-16k": (*MEMDIVER, HINTS),
    "memdiver-1.0.2/api-related-dump-with-hash": MEMDIVER,
    "memdiver-1.0.2/api-thread-contexts": (*MEMDIVER, *NO_REGISTERS),
    "memdiver-1.0.2/api-vas-map": (*MEMDIVER, *MAP),
    "memslicer-0.2.7/api-basic-lz4": (),
    "memslicer-0.2.7/api-basic-none": (),
    "memslicer-0.2.7/api-basic-zstd": (),
    "memslicer-0.2.7/api-investigation-all-tables": (BITS, UNKNOWN, CHILDREN, NO_CHILDREN),
    "memslicer-0.2.7/api-key-hints": (HINTS, EMPTY_KEY, KEY_OF_NOTHING, KEY_TYPE),
    "memslicer-0.2.7/api-pagestates-all": (NO_CHILDREN, EMPTY_REGION),
    "memslicer-0.2.7/sleep-frida-zstd": (),
    "memslicer-0.5.2/api-basic-lz4": (),
    "memslicer-0.5.2/api-basic-none": (),
    "memslicer-0.5.2/api-basic-zstd": (),
    "memslicer-0.5.2/api-encrypted-zstd": (),
    "memslicer-0.5.2/api-extension-segments-2": (WRITTEN_AT,),
    "memslicer-0.5.2/api-hash-sha256": (),
    "memslicer-0.5.2/api-header-version-1.0": (RESERVED,),
    "memslicer-0.5.2/api-identity-empty-strings": (),
    "memslicer-0.5.2/api-import-provenance": (),
    "memslicer-0.5.2/api-investigation-all-tables": (UNKNOWN, ORPHAN, CHILDREN),
    "memslicer-0.5.2/api-key-hints": (HINTS, EMPTY_KEY, KEY_OF_NOTHING),
    "memslicer-0.5.2/api-module-native-blob-odd-length": (NO_REGION, BLOB),
    "memslicer-0.5.2/api-no-eoc": (NO_END,),
    "memslicer-0.5.2/api-pagestates-all": (EMPTY_REGION,),
    "memslicer-0.5.2/api-related-dump": (),
    "memslicer-0.5.2/api-sealed-segment": (),
    "memslicer-0.5.2/api-thread-contexts": (CHILDREN, *NO_REGISTERS),
    "memslicer-0.5.2/api-vas-map": MAP,
    "memslicer-0.5.2/sh-gdb-encrypted": (),
    "memslicer-0.5.2/sh-gdb-scope": (CHILDREN,),
    "memslicer-0.5.2/sleep-gdb-none": (CHILDREN,),
    "memslicer-0.5.2/sleep-gdb-zstd": (CHILDREN,),
}
"""Rules that each file breaks. Of an encrypted one only the header is judged."""

REFUSED = "memslicer-0.5.2/api-header-big-endian-flag"
"""With endianness 2 memslicer still writes little-endian integers: no draft has such files."""


@pytest.mark.parametrize("name", EXPECTED)
def test_findings_are_the_ones_explained(name: str) -> None:
    path = DATA / f"{name}.msl"
    if not path.exists():
        path = shared("samples", f"{name}.msl")
    with msl_construct.open(path, dialect="none") as dump:
        assert {finding.rule.id for finding in check(dump)} == set(EXPECTED[name])


ELSEWHERE = (
    *("memslicer-0.2.4", "memslicer-0.3.0", "memslicer-0.4.0"),
    *("memdiver-0.5.6", "memdiver-0.7.0"),
)
"""What `test_earlier_versions` reads."""


def test_no_file_is_left_out() -> None:
    every = (path for path in DATA.glob("mem*/*.msl") if path.parent.name not in ELSEWHERE)
    found = {f"{path.parent.name}/{path.stem}" for path in every}
    assert found <= set(EXPECTED)
    shared("samples")
    found |= {f"{p.parent.name}/{p.stem}" for p in SHARED.glob("samples/mem*/*.msl")}
    assert found == {*EXPECTED, REFUSED}


def test_a_file_of_no_draft_is_no_finding() -> None:
    with pytest.raises(DialectError):
        msl_construct.open(shared("samples", f"{REFUSED}.msl"), dialect="none")


def test_read_as_what_it_is_the_same_file_has_one_finding() -> None:
    path = shared("samples", f"{REFUSED}.msl")
    with msl_construct.open(path, byte_order="little") as dump:
        found = {finding.rule.id for finding in check(dump)}
    assert found == {"MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED"}
