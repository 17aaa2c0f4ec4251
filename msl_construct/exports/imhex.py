"""A pattern for the hex editor ImHex: every field of a file named, coloured and commented.

The pattern keeps to a small part of ImHex's pattern language. Nothing in it reads behind the
end of the structure it belongs to: what does not fit is shown as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatchmethod
from string import Template

from ..encryption.parameters import TAG
from ..errors import MslError
from ..page_map import PAGES_PER_BYTE
from ..schema import (
    BitRange,
    BlockType,
    ByteOrder,
    Draft,
    Enumeration,
    Field,
    FlagDefinition,
    Layout,
    Schema,
    Table,
)
from ..schema.base import Vocabulary
from ..schema.choice import Choice
from ..schema.pages import PageStateMap
from ..schema.variable import Blob, Rest, Utf8Z
from ..schema.vocabulary import Coded, Fixed
from ..schema.words import no_words
from .imhex_fields import STEP, counted, fixed, remark_on
from .imhex_words import (
    BLOCKS,
    BLOCKS_UNLESS_ENCRYPTED,
    CIPHERTEXT,
    CLOSING,
    ENCRYPTION,
    LATER,
    LIMIT,
    LISTED,
    OPENING,
    SEALED,
    SEALED_SEGMENT,
    comment,
    name_of,
    type_name,
    unsigned,
)
from .runs import runs
from .versions import later_layouts, version_of

__all__ = ["export"]


def export(draft: Draft) -> str:
    """The text of the pattern for a draft.

    Raises:
        MslError: a name of the schema is none in the pattern language.
    """
    return Pattern(draft).text()


class Pattern:
    """One draft's pattern while it is written."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.bound: Schema = draft.bound(ByteOrder.LITTLE)
        self.types: set[str] = set()

    def text(self) -> str:
        lines = [Template(OPENING).substitute(self._facts())]
        for registry in self._registries():
            lines.extend(self._enumeration(registry))
        for word in self.bound.flags.values():
            lines.extend(self._bitfield(word))
        lines.extend(self._page_states())
        done: set[str] = set()
        for layout in self.bound.layouts.values():
            lines.extend(self._layouts(layout, done))
        lines.append(Template(CLOSING).substitute(self._facts()).rstrip("\n"))
        return "\n".join(lines) + "\n"

    # -- names -------------------------------------------------------------------------

    def _declare(self, title: str) -> str:
        """The name of a type, taken once."""
        name = type_name(title)
        if name in self.types:
            raise MslError(
                f"ImHex pattern: {name} would be declared twice; expected every structure, "
                "registry and flag word to have a name of its own: rename one of the two"
            )
        self.types.add(name)
        return name

    # -- registries --------------------------------------------------------------------

    def _registries(self) -> list[Enumeration]:
        found = {one.name: one for one in self.bound.enumerations.values()}
        for word in self.bound.flags.values():
            for bit in word.bits:
                if isinstance(bit, BitRange):
                    found[bit.enumeration.name] = bit.enumeration
        found[self.bound.page_states.name] = self.bound.page_states
        return list(found.values())

    def _enumeration(self, registry: Enumeration) -> Iterator[str]:
        yield f"// {registry.section} {registry.text}"
        yield f"enum {self._declare(registry.name)} : {unsigned(registry.width)} {{"
        for index, value in enumerate(registry.values):
            comma = "," if index + 1 < len(registry.values) else ""
            code = f"0x{value.code:0{2 * registry.width}X}"
            yield f"{STEP}{name_of(value.name.upper())} = {code}{comma} // {value.label}"
        yield "};"
        yield ""

    def _bitfield(self, word: FlagDefinition) -> Iterator[str]:
        yield f"// {word.section} {word.text}"
        yield f"bitfield {self._declare(word.name)} {{"
        next_bit, total = 0, 8 * word.width
        for bit in sorted(word.bits, key=lambda one: one.bit):
            if bit.bit > next_bit:
                yield f"{STEP}padding : {bit.bit - next_bit};"
            if isinstance(bit, BitRange):
                width, kind = bit.bits, f"{type_name(bit.enumeration.name)} "
            else:
                width, kind = 1, ""
            yield f"{STEP}{kind}{name_of(bit.name)} : {width}{comment(bit.label, bit.text)};"
            next_bit = bit.bit + width
        if next_bit < total:
            yield f"{STEP}padding : {total - next_bit};"
        yield f"}} [[bitfield_order(std::core::BitfieldOrder::LeastToMostSignificant, {total})]];"
        yield ""

    def _page_states(self) -> Iterator[str]:
        states, bits = self.bound.page_states, 8 // PAGES_PER_BYTE
        yield f"// {states.section} {states.text}"
        yield f"bitfield {self._declare(f'{states.name}s')} {{"
        for page in range(PAGES_PER_BYTE):
            yield f"{STEP}{type_name(states.name)} page_{page} : {bits};"
        yield "} [[bitfield_order(std::core::BitfieldOrder::MostToLeastSignificant, 8)]];"
        yield ""

    # -- structures --------------------------------------------------------------------

    def _layouts(self, layout: Layout, done: set[str]) -> Iterator[str]:
        """A structure, and before it those that it holds."""
        if layout.key in done:
            return
        done.add(layout.key)
        for field in layout.fields:
            if isinstance(field.type, Table):
                yield from self._row(field.type.entry, field.type, done)
            elif isinstance(field.type, Choice):
                for case in field.type.cases.values():
                    yield from self._layouts(case, done)
        header = layout.key in {one.key for one in self._headers()}
        yield f"// {layout.section} {layout.title}"
        yield f"struct {self._declare(layout.title)}{'' if header else '<auto end>'} {{"
        if header:
            for field in layout.fields:
                yield f"{STEP}{fixed(field)};"
        else:
            yield from self._body(layout, whole=True)
        yield "};"
        yield ""

    def _headers(self) -> list[Layout]:
        bound = self.bound
        found = (
            bound.file_header,
            bound.encryption_header,
            bound.seal_header,
            bound.block_header,
        )
        return [one for one in found if one is not None]

    def _row(self, layout: Layout, table: Table, done: set[str]) -> Iterator[str]:
        """One row of a table; where the table says how long rows are, its end is its own."""
        if layout.key in done:
            return
        done.add(layout.key)
        for field in layout.fields:
            if isinstance(field.type, Choice):
                for case in field.type.cases.values():
                    yield from self._layouts(case, done)
        sized = table.entry_size_key is not None
        yield f"// {layout.section} {layout.title}"
        name = self._declare(layout.title)
        if not sized:
            yield f"struct {name}<auto end> {{"
            yield from self._body(layout, whole=False)
        else:
            yield f"struct {name}<auto table_end, auto row_size> {{"
            yield f"{STEP}u128 end = table_end;"
            yield f"{STEP}if (row_size > 0) {{"
            yield f"{STEP * 2}end = smaller($ + row_size, table_end);"
            yield f"{STEP}}}"
            yield from self._body(layout, whole=False)
            yield f"{STEP}if (row_size > 0 && $ < end) {{"
            yield f"{STEP * 2}u8 rest[end - $];"
            yield f"{STEP}}}"
        yield "};"
        yield ""

    def _body(self, layout: Layout, *, whole: bool) -> Iterator[str]:
        """The fields, each in the branch of what has to be there before it."""
        depth = 1
        for run in runs(layout):
            if isinstance(run[0].type, Fixed):
                width = sum(one.type.minimum for one in run)
                yield f"{STEP * depth}if (end - $ >= {width}) {{"
                depth += 1
                for one in run:
                    yield f"{STEP * depth}{fixed(one)};"
            else:
                lines, opened = self.lines(run[0].type, layout, run[0])
                yield from (f"{STEP * depth}{line}" for line in lines)
                depth += opened
        for level in range(depth - 1, 0, -1):
            if whole:
                yield f"{STEP * level}}}"
            else:
                # Behind a row that does not fit there is no other: the bytes are its rest.
                yield f"{STEP * level}}} else if ($ < end) {{"
                yield f"{STEP * (level + 1)}u8 rest[end - $];"
                yield f"{STEP * level}}}"
        if whole:
            yield f"{STEP}if ($ < end) {{"
            yield f"{STEP * 2}u8 rest[end - $];"
            yield f"{STEP}}}"

    @singledispatchmethod
    def lines(self, kind: Vocabulary, layout: Layout, field: Field) -> tuple[list[str], int]:
        """The lines of a field of varying size, and how many branches they leave open.

        Raises:
            ExportError: the class is none that this exporter knows.
        """
        raise no_words(kind, __name__)

    @lines.register
    def _(self, kind: Utf8Z, layout: Layout, field: Field) -> tuple[list[str], int]:
        return counted(kind, field, "char"), 1

    @lines.register
    def _(self, kind: Blob, layout: Layout, field: Field) -> tuple[list[str], int]:
        return counted(kind, field, "u8"), 1

    @lines.register
    def _(self, kind: PageStateMap, layout: Layout, field: Field) -> tuple[list[str], int]:
        key, remark = name_of(field.key), remark_on(field)
        size = f"(pages + {PAGES_PER_BYTE - 1}) / {PAGES_PER_BYTE}"
        states = f"{self.bound.page_states.name}s"
        return [
            f"if ({kind.log2_key} >= {kind.low} && {kind.log2_key} <= {kind.high}) {{",
            f"{STEP}u128 pages = {kind.size_key} >> {kind.log2_key};",
            f"{STEP}u128 map_size = {size};",
            f"{STEP}if (end - $ >= pad8(map_size)) {{",
            f"{STEP * 2}if (map_size > {LISTED:#x}) {{",
            f"{STEP * 3}u8 {key}[map_size]{remark};",
            f"{STEP * 2}}} else if (map_size > 0) {{",
            f"{STEP * 3}{states} {key}[map_size]{remark};",
            f"{STEP * 2}}}",
            f"{STEP * 2}padding[pad8(map_size) - map_size];",
        ], 2

    @lines.register
    def _(self, kind: Rest, layout: Layout, field: Field) -> tuple[list[str], int]:
        member = f"u8 {name_of(field.key)}[end - $]{remark_on(field)};"
        return ["if ($ < end) {", f"{STEP}{member}", "}"], 0

    @lines.register
    def _(self, kind: Choice, layout: Layout, field: Field) -> tuple[list[str], int]:
        return self._choice(layout, field, kind, remark_on(field)), 1

    @lines.register
    def _(self, kind: Table, layout: Layout, field: Field) -> tuple[list[str], int]:
        key, remark = name_of(field.key), remark_on(field)
        name = type_name(kind.entry.title)
        fit = f"(end - $) / {max(kind.entry.minimum, 1)}"
        arguments = f"end, {kind.entry_size_key}" if kind.entry_size_key else "end"
        return [
            f"if ({kind.count_key} > 0 && $ < end) {{",
            f"{STEP}u128 {key}_fit = smaller({kind.count_key}, {fit});",
            f"{STEP}if ({key}_fit > 0) {{",
            f"{STEP * 2}{name}<{arguments}> {key}[{key}_fit]{remark};",
            f"{STEP}}}",
            "}",
        ], 0

    def _choice(self, layout: Layout, field: Field, kind: Choice, remark: str) -> list[str]:
        key, coded = name_of(field.key), layout.field(kind.tag_key).type
        lines = [f"if (end - $ >= {kind.length_key}) {{"]
        lines.append(f"{STEP}u128 {key}_end = $ + {kind.length_key};")
        before = ""
        for tag, case in kind.cases.items():
            chosen = str(tag)
            if isinstance(coded, Coded) and coded.registry.decode(tag).known:
                name = coded.registry.decode(tag).name.upper()
                chosen = f"{type_name(coded.registry.name)}::{name}"
            lines.append(f"{STEP}{before}if ({kind.tag_key} == {chosen}) {{")
            lines.append(f"{STEP * 2}{type_name(case.title)}<{key}_end> {key}{remark};")
            before = "} else "
        lines.append(f"{STEP}{before}if ({kind.length_key} > 0) {{")
        lines.append(f"{STEP * 2}u8 {key}[{kind.length_key}]{remark};")
        return [*lines, f"{STEP}}}"]

    # -- what the functions have to know of the schema -----------------------------------

    def _facts(self) -> dict[str, str]:
        bound, draft = self.bound, self.draft
        header, block = bound.file_header, bound.block_header
        length = block.field("block_length")
        flags, block_flags = bound.flags["HeaderFlags"], bound.flags["BlockFlags"]
        big = bound.enumerations["Endianness"].encode(ByteOrder.BIG.value)
        facts = {
            "draft": draft.name,
            "status": draft.status,
            "limit": f"{LIMIT:#x}",
            "magic_bytes": bound.file_magic.hex(" ").upper(),
            "endianness_at": f"{header.offset_of('endianness'):#04x}",
            "big": str(big),
            "block_size": str(bound.block_header_size),
            "block_magic": bound.block_magic.decode("ascii"),
            "magic_width": str(len(bound.block_magic)),
            "length_at": str(block.offset_of(length.key)),
            "length_width": str(length.type.minimum),
            "block_header": type_name(block.title),
            "file_header": type_name(header.title),
            "block_length": length.key,
            "block_flags": block.field("flags").key,
            "payload_version": block.field("payload_version").key,
            "known_version": str(draft.payload_version),
            "compressed": _bit(block_flags, "compressed")[0],
            "compressed_payload": type_name(bound.compressed_payload.title),
            "header_size": header.field("header_size").key,
            "version": header.field("version").key,
            "flags": header.field("flags").key,
            "version_at": f"{header.offset_of('version'):#04x}",
            "version_width": str(header.field("version").type.minimum),
            "later": self._later(),
            "cases": self._cases(),
        }
        encryption, blocks, parts = "", BLOCKS, dict.fromkeys(_OF_CIPHERTEXT, "")
        if bound.encryption_header is not None:
            encryption, blocks = ENCRYPTION, BLOCKS_UNLESS_ENCRYPTED
            facts["encryption_header"] = type_name(bound.encryption_header.title)
            facts["encryption_size"] = str(bound.encryption_header.size)
            facts["encrypted"], since = _bit(flags, "encrypted")
            facts["since"] = f"{version_of(draft, since):#06x}"
            facts["key_length"] = bound.encryption_header.field("kem_ct_len").key
            facts["cipher_length"] = bound.encryption_header.field("cipher_len").key
            facts["tag"] = str(TAG)
        if bound.encryption_header is not None and bound.seal_header is not None:
            facts |= self._seal_facts(bound.seal_header)
            parts = _OF_CIPHERTEXT
        facts |= {name: Template(text).substitute(facts) for name, text in parts.items()}
        facts["encryption"] = Template(encryption).substitute(facts)
        facts["blocks"] = Template(blocks).substitute(facts)
        return facts

    def _seal_facts(self, seal: Layout) -> dict[str, str]:
        facts = {
            "seal_header": type_name(seal.title),
            "seal_size": str(seal.size),
            "seal_magic": self.bound.seal_magic.decode("ascii"),
            "seal_magic_width": str(len(self.bound.seal_magic)),
        }
        for name, key in (("seal_header_size", "seal_hdr_size"), ("seal_length", "seg_cipher_len")):
            facts[name] = seal.field(key).key
            facts[f"{name}_at"] = str(seal.offset_of(key))
            facts[f"{name}_width"] = str(seal.field(key).type.minimum)
        return facts

    def _later(self) -> str:
        """Files of earlier versions, which have no layout for what came later."""
        names = {code: self._of_type(block) for code, block in self.bound.blocks.items()}
        return "".join(
            Template(LATER).substitute(
                since=f"{since:#06x}",
                types=" ||\n            ".join(names[code] for code in codes),
            )
            for since, codes in later_layouts(self.draft)
        )

    def _of_type(self, block: BlockType) -> str:
        """Whether a block is of a type."""
        registry, key = self.draft.block_type_registry, self.bound.block_header.field("block_type")
        return f"header.{key.key} == {type_name(registry.name)}::{name_of(block.key.upper())}"

    def _cases(self) -> str:
        lines = []
        for block in self.bound.blocks.values():
            if block.layout is not None:
                lines.append(f"    }} else if ({self._of_type(block)}) {{\n")
                lines.append(f"        {type_name(block.layout.title)}<end> payload;\n")
        return "".join(lines)


_OF_CIPHERTEXT = {
    "sealed": SEALED,
    "sealed_segment": SEALED_SEGMENT,
    "ciphertext": CIPHERTEXT,
}
"""What a draft with encryption has in the pattern, by its place."""


def _bit(word: FlagDefinition, name: str) -> tuple[str, str]:
    """Name of a bit that the word has, and the draft that introduced it."""
    return next((bit.name, bit.since) for bit in word.bits if bit.name == name)
