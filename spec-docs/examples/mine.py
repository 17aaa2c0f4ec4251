from collections.abc import Iterator

from msl_construct.author import (
    ADDRESS,
    DRAFTS,
    U16,
    U64,
    Block,
    BlockType,
    Field,
    Found,
    Layout,
    Level,
    Scope,
    Utf8Z,
    Value,
    reserved,
    rule,
)

REMARK = BlockType(
    0x1002,
    "Analyst Remark",
    "§lab",
    "What somebody thought of an address.",
    Layout(
        "Analyst Remark",
        "§lab",
        (
            Field("Address", ADDRESS, "What the remark is about."),
            Field("TextLen", U16, "Length of Text with its NUL."),
            reserved(6),
            Field("Text", Utf8Z("TextLen"), "The remark."),
        ),
    ),
    in_segment=True,
)


@rule(
    "MSLX-lab-REMARK-WITHOUT-ADDRESS",
    Level.OURS,
    Scope.BLOCK,
    requirement="A remark is about an address.",
    wrong="A remark is about address 0.",
    why="Nobody can tell what is meant.",
)
def remark_without_address(block: Block) -> Iterator[Found]:
    if block.key == "analyst_remark" and block.payload.get("address") == 0:
        yield Found("Address: expected another one than 0", block.offset, block.index, "address")


MINE = DRAFTS["draft-2026-10"].overlay(
    "mine",
    version=0x0102,
    status="a proposal",
    layouts={"process_identity": lambda layout: layout.changing("SessionID", type=U64)},
    blocks=[REMARK],
    values={"OSType": [Value(0, "Linux"), Value(1, "Windows")]},
    forbidden_blocks=["pointer_graph"],
    rules=[remark_without_address],
)
