"""The canonical document: how each kind of field stands in it, and what else it has."""

from __future__ import annotations

from collections.abc import Iterator

from ..schema import Draft
from ..schema.raw import DOCUMENT_RAW_LIMIT
from .marking import Page, marked, row, table

__all__ = ["documented"]

_FORMS = (
    ("`u8`, `u16`, `u32`, `u64`", "a number", ""),
    ("`u64, address`", 'hex with `0x`, without zeros in front: `"0x7f00"`', ""),
    ("`u16, version`", 'hex with `0x`, of the field\'s width: `"0x0101"`', ""),
    ("`u64, ns`", 'a decimal string: `"1773528836123456789"`', ""),
    (
        "code of a registry",
        "its key there",
        'a code that is not registered: hex of the field\'s width, `"0x0c"`',
    ),
    (
        "flags of a registry",
        "a list of the keys of the bits that are set, the lowest bit first; a number in several "
        "bits is its key and the code's, `comp_algo_zstd`, and is absent where it is 0",
        "a bit without a key is `bit_9`; a number without a code `comp_algo_0x3`",
    ),
    ("bytes, hash, zero bytes", "hex without `0x`", ""),
    ("bytes that are always the same", "the text that they are", "others: `{raw: hex}`"),
    ("UUID", "hex in lower case with dashes", ""),
    (
        "`text, XLen`",
        "the text without NUL and zeros; null where the length is 0",
        "no NUL, one before the end, zeros that are none, or no UTF-8: `{text, raw}`, text being "
        "what stands before the first NUL, with U+FFFD for bytes that are no UTF-8 (as Python's "
        '`errors="replace"` has it), raw the stored bytes with those up to pad8',
    ),
    (
        "`text without NUL, XLen`",
        "the text, of which a NUL inside is a character; null where the length is 0",
        "zeros that are none, or no UTF-8: `{text, raw}`",
    ),
    (
        "`XLen bytes`",
        'hex without `0x`; `""` where the length is 0',
        "zeros behind them that are none: `{bytes, raw}`",
    ),
    (
        "`register, XLen`",
        "hex with `0x`, the highest byte first, two digits for each byte; "
        '`"0x"` where the length is 0',
        "zeros behind it that are none: `{value, raw}`",
    ),
    ("entries", "a list of objects", ""),
    (
        "laid out by a field",
        "an object",
        "a value without a layout: `{raw: hex}`, as of a payload",
    ),
    (
        "2 bits a page",
        "a list of runs, `[first page, count, key of the state]`",
        "bits behind the last page that are not zero: `{runs, padding}`, padding being the stored "
        "bytes from the one that has the first of them on",
    ),
    ("bytes up to the payload's end", "`{offset, length}`, the offset in the file as hex", ""),
)


def documented(page: Page, draft: Draft) -> None:
    """The form that readers are compared by."""
    page.text(*_parts(draft))
    rows = (row(marked(cell) for cell in form) for form in _FORMS)
    page.add(table(("Stored as", "In the document", "Where bytes are odd"), rows))
    page.text(*_payloads(draft), *_endings())


def _parts(draft: Draft) -> Iterator[str]:
    yield (
        "What a reader makes of a file can be compared when it prints the canonical document as "
        "JSON: `document` (1), `file` (`name`, `size`), `format`, `header`, `blocks`, `segments`, "
        "`trailing`. `format` has `draft` (the name of the draft that the file was read by, here "
        f'`"{draft.name}"`), `dialect` (null, unless the producer\'s own was recognised) and '
        '`byte_order` (`"little"`, `"big"`).'
    )
    yield (
        "Structures are objects. Their keys are those of the tables, in stored order, lengths and "
        "reserved bytes included. Bytes of the file header behind its fields, up to HeaderSize, "
        "are hex under `extension`."
    )
    yield (
        "A block is an object of `index` (from 0; in a segment it goes on counting), `offset` (in "
        "the file, as hex), the fields of the block header but for the Magic, and `payload`. A "
        'BlockType that is not registered is hex: `"0x2345"`.'
    )
    if draft.segments:
        yield (
            "A segment has `index` (from 1), `offset` (of its first block, as hex), `blocks` and "
            "`verdict`, `{intact: true}`. Whoever can't hash has its blocks in the list `blocks`, "
            "behind those of the capture; then a segment that is not closed, or has another "
            "BlockCount, is trailing bytes, and a hash that alone is wrong changes nothing."
        )
    yield (
        "`trailing` is null, or where the bytes behind the last block are: `{offset, length}`, the "
        "offset as hex."
    )
    if draft.encryption_header is not None:
        yield (
            "The header of an encrypted file has the encryption header under `encryption`. Whoever "
            "has no key shows no blocks, and all that stands behind HeaderSize as trailing."
        )


def _payloads(draft: Draft) -> Iterator[str]:
    yield (
        f"A payload without a layout is `{{raw: hex}}`; of more than {DOCUMENT_RAW_LIMIT} bytes "
        "`{raw: {offset, length}}`. So is one of a PayloadVersion other than "
        f"{draft.payload_version}. Bytes behind the last field are under `rest`, in the same way; "
        "those of an entry of stated size, or of a body, are the `rest` of that object."
    )
    yield (
        "A payload that ends too early has the fields that are whole, the entries of a table that "
        "are whole, and the bytes that belong to none under `rest`; its block has `damage`, which "
        "says what is the matter. A PageSizeLog2 that is not permitted is such damage, too, found "
        "at the page map: the fields before it hold."
    )
    yield (
        "A block with the flag Compressed has `compression`, `{algorithm, uncompressed_size}` (the "
        "key of CompAlgo), beside its payload, which is shown as it inflates; offsets count in the "
        "inflated bytes. What does not inflate is `{raw}` of the stored bytes, with `damage` and "
        f"without `compression`. One of a PayloadVersion other than {draft.payload_version} is not "
        "inflated: it has `{raw}` alone."
    )


def _endings() -> Iterator[str]:
    yield (
        "Exit codes: 0, it was read to its end; 3, it is refused; 4, it is incomplete (there is no "
        "End-of-Capture, the file ends in a block, or there are trailing bytes), with what could "
        "be read; 5, a key is missing. `msl samples run --decoder 'CMD {}'` compares a program "
        "with every sample."
    )
