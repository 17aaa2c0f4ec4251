"""A draft as its author would write it: nothing of the package is touched for it."""

from __future__ import annotations

from collections.abc import Iterator

from msl_construct.author import (
    ADDRESS,
    DRAFTS,
    U16,
    U32,
    U64,
    Block,
    BlockType,
    Coded,
    Enumeration,
    Field,
    Found,
    Layout,
    Level,
    Role,
    Scope,
    Table,
    Utf8Z,
    Value,
    Word,
    reserved,
    rule,
    st,
)

CERTAINTY = Enumeration(
    "Certainty", 1, "§lab", "How sure an analyst is.", (Value(0, "Guess"), Value(1, "Confirmed"))
)

REMARK = BlockType(
    0x1002,
    "Analyst Remark",
    "§lab",
    "What somebody thought of some addresses.",
    Layout(
        "Analyst Remark",
        "§lab",
        (
            Field("Count", U32, "Number of addresses."),
            Field("TextLen", U16, "Length of Text with its NUL."),
            Field("Certainty", Coded("Certainty"), "How sure its author is.", default=0),
            reserved(1),
            Field("Text", Utf8Z("TextLen"), "The remark."),
            Field(
                "Places",
                Table(
                    "Count",
                    Layout("Place", "§lab", (Field("Address", ADDRESS, "Where it belongs."),)),
                ),
                "What it is about.",
            ),
        ),
    ),
    in_segment=True,
)


@rule(
    "MSL-lab-REMARK-WITHOUT-PLACE",
    Level.MUST,
    Scope.BLOCK,
    requirement="An Analyst Remark is about an address at least.",
    wrong="An Analyst Remark names no address.",
    why="Nobody can tell what it is about.",
)
def remark_without_place(block: Block) -> Iterator[Found]:
    """Every remark that is about nothing."""
    if block.key == "analyst_remark" and block.payload.get("places") == []:
        yield Found("Count: expected 1 or more, found 0", block.offset, block.index, "count")


MINE = DRAFTS["draft-2026-10"].overlay(
    "mine",
    version=0x0102,
    status="a draft of a test",
    layouts={"process_identity": lambda layout: layout.changing("SessionID", type=U64)},
    blocks=[REMARK],
    enumerations=[CERTAINTY],
    values={"OSType": (Value(0, "Linux"), Value(1, "Windows"))},
    forbidden_blocks=["pointer_graph"],
    rules=[remark_without_place],
    without_rules=["MSLX-5.1-REGION-EMPTY"],
    statements=[
        st(
            "ST-0-LAB-REMARK",
            Word.MUST,
            Role.PRODUCER,
            "A remark is about something.",
            "MSL-lab-REMARK-WITHOUT-PLACE",
        )
    ],
)
