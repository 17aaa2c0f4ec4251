"""The header of a sealed segment, as the exports read it: the same that ``struct`` reads."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from c.building import SANITIZERS, WARNINGS, built, run
from hexpat.grammar import Parser
from hexpat.machine import Machine, Number, Run
from independent import encryption as by_hand
from independent import wire
from languages import toolchains
from languages.languages import generated

from msl_construct.drafts import DRAFTS, NEWEST_DRAFT
from msl_construct.exports import imhex, ksy
from msl_construct.exports.c import export

NEWEST = DRAFTS[NEWEST_DRAFT]
NONCES = (bytes(range(0x80, 0x98)), bytes(range(0xC0, 0xCC)) + bytes(12))

READ_IN_C = r"""
#include <stdio.h>
#include <stdlib.h>
#include "msl.h"

static void print_hex(const char *key, const uint8_t *bytes, size_t count)
{
    size_t index;
    printf(", \"%s\": \"", key);
    for (index = 0; index < count; index++) {
        printf("%02x", bytes[index]);
    }
    printf("\"");
}

int main(int count, char **names)
{
    static uint8_t data[1 << 16];
    FILE *stream = count == 2 ? fopen(names[1], "rb") : NULL;
    const char *comma = "";
    msl_file file;
    msl_span left;
    msl_span part;
    msl_seal_header_view view;

    if (stream == NULL) {
        return 2;
    }
    left.length = fread(data, 1, sizeof data, stream);
    left.data = data;
    fclose(stream);
    if (msl_open(data, left.length, &file) != MSL_OK || file.encryption == NULL) {
        return 3;
    }
    if (!msl_span_take(&left, file.header_size, &part)
        || !msl_span_take(&left, msl_get_u16(file.encryption->kem_ct_len, file.order), &part)
        || !msl_span_take(&left, msl_get_u64(file.encryption->cipher_len, file.order), &part)
        || !msl_span_take(&left, 16, &part)) {
        return 4;
    }
    printf("[");
    while (msl_decode_seal_header(left, file.order, &view) == MSL_OK) {
        const msl_seal_header *head = view.head;
        uint64_t length = msl_get_u64(head->seg_cipher_len, file.order);
        if (memcmp(head->magic, MSL_SEAL_HEADER_MAGIC, sizeof head->magic) != 0) {
            return 5;
        }
        printf("%s{\"seal_hdr_size\": %u, \"seg_index\": %u, \"seg_cipher_len\": %lu", comma,
            msl_get_u16(head->seal_hdr_size, file.order),
            msl_get_u16(head->seg_index, file.order), (unsigned long)length);
        print_hex("magic", head->magic, sizeof head->magic);
        print_hex("nonce", head->nonce, sizeof head->nonce);
        print_hex("reserved", head->reserved, sizeof head->reserved);
        printf("}");
        comma = ", ";
        left = view.rest;
        if (!msl_span_take(&left, length, &part) || !msl_span_take(&left, 16, &part)) {
            return 6;
        }
    }
    printf("]\n");
    return left.length == 0 ? 0 : 7;
}
"""

READ_IN_PYTHON = """
import json, sys
from kaitaistruct import BytesIO, KaitaiStream
from msl import Msl

found = []
with Msl.from_file(sys.argv[1]) as parser:
    encryption = parser.file_header.encryption
    behind = parser.trailing_data[encryption.kem_ct_len + encryption.cipher_len + 16 :]
    while behind:
        head = Msl.SealHeader(KaitaiStream(BytesIO(behind)), parser, parser)
        found.append(
            {
                "magic": head.magic.hex(),
                "seal_hdr_size": head.seal_hdr_size,
                "seg_index": head.seg_index,
                "seg_cipher_len": head.seg_cipher_len,
                "nonce": head.nonce.hex(),
                "reserved": head.reserved.hex(),
            }
        )
        behind = behind[head.seal_hdr_size + head.seg_cipher_len + 16 :]
print(json.dumps(found))
"""


def sealed(enclosed: bytes = b"") -> bytes:
    """An encrypted file with two segments behind its tag."""
    data = by_hand.EncryptedBuilder(enclosed=enclosed).small().sealed()
    for index, nonce in enumerate(NONCES, 1):
        inner = by_hand.EncryptedBuilder()
        inner.parts = []
        inner.add(wire.KEY_HINT, wire.key_hint("<"), block_uuid=wire.uuid4(500 + index))
        inner.segment_part, inner.segment_count = 0, 1
        inner.end_segment(block={"block_uuid": wire.uuid4(600 + index)})
        data += by_hand.seal_segment(data, by_hand.KEY, index, inner.data(), nonce)
    return data


def places(data: bytes) -> list[int]:
    """Where the headers stand: behind what the file says of its own length, and each other's."""
    (enclosed,) = struct.unpack_from("<H", data, 0x4E)
    (length,) = struct.unpack_from("<Q", data, 0x78)
    found, at = [], data[9] + enclosed + length + by_hand.TAG
    while at < len(data):
        found.append(at)
        size, _, length = struct.unpack_from("<HHQ", data, at + 4)
        at += size + length + by_hand.TAG
    assert at == len(data)
    return found


def by_struct(data: bytes) -> list[dict[str, Any]]:
    found = []
    for at in places(data):
        magic, size, index, length, nonce, rest = struct.unpack_from("<4sHHQ24s24s", data, at)
        assert nonce == NONCES[index - 1]
        found.append(
            {
                "magic": magic.hex(),
                "seal_hdr_size": size,
                "seg_index": index,
                "seg_cipher_len": length,
                "nonce": nonce.hex(),
                "reserved": rest.hex(),
            }
        )
    assert [one["seg_index"] for one in found] == [1, 2]
    return found


enclosing = pytest.mark.parametrize(
    "enclosed", [b"", bytes(range(32))], ids=["no-enclosed-key", "enclosed-key"]
)


@enclosing
def test_the_header_for_c_reads_it(tmp_path: Path, enclosed: bytes) -> None:
    (tmp_path / "msl.h").write_text(export(NEWEST), encoding="utf-8")
    (tmp_path / "read.c").write_text(READ_IN_C, encoding="utf-8")
    (tmp_path / "dump.msl").write_bytes(data := sealed(enclosed))
    program = built(
        tmp_path / "read.c", tmp_path / "msl.h", tmp_path / "read", *WARNINGS, *SANITIZERS
    )
    assert json.loads(run(program, tmp_path / "dump.msl")) == by_struct(data)


@enclosing
def test_the_generated_parser_reads_it(tmp_path: Path, enclosed: bytes) -> None:
    pytest.importorskip("kaitaistruct", reason="needs the runtime of Kaitai Struct")
    try:
        files = generated(ksy.export(NEWEST), "python")
    except toolchains.Missing as missing:
        pytest.skip(str(missing))
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "read.py").write_text(READ_IN_PYTHON, encoding="utf-8")
    (tmp_path / "dump.msl").write_bytes(data := sealed(enclosed))
    command = [sys.executable, tmp_path / "read.py", tmp_path / "dump.msl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == by_struct(data)


def test_the_pattern_reads_it() -> None:
    data = sealed()
    for at, expected in zip(places(data), by_struct(data)):
        text = imhex.export(NEWEST) + f"SealHeader seal @ {at:#x};\n"
        found = Machine(Parser(text).parse(), data).globals.members["seal"].members
        assert list(found) == list(expected)
        for key, value in expected.items():
            ours = found[key]
            if isinstance(ours, Run):
                assert data[ours.offset : ours.offset + ours.length].hex() == value
            else:
                assert isinstance(ours, Number)
                assert ours.value == value


def test_drafts_without_sealed_segments_export_none() -> None:
    without = replace(NEWEST, name="unsealed", seal_header=None)
    for text in (export(without), imhex.export(without), ksy.export(without)):
        assert not any(word in text for word in ("seal_header", "SealHeader", "MSLS"))
