"""A file to begin a draft of one's own with: every word, commented."""

from __future__ import annotations

import re

from ..schema import Draft

__all__ = ["draft_start"]

_TEXT = '''"""{title}: what it changes in {base}, and nothing else."""

from msl_construct.author import *

# Every command takes this draft as {file}:{constant}:
#
#   msl schema check {file}:{constant}                      does it agree with itself and its base?
#   msl schema diff {base} {file}:{constant} --breaking     who breaks?
#   msl schema impact {base} {file}:{constant}              shown on files
#   msl schema show {file}:{constant} BLOCK
#   msl samples generate --draft {file}:{constant} -o DIR

# A new block type: its code, its name, its section, a sentence, its fields in stored order.
#
# REMARK = BlockType(
#     {code:#06x},
#     "Remark",
#     "§1",
#     "What somebody thought of an address.",
#     Layout(
#         "Remark",
#         "§1",
#         (
#             Field("Address", ADDRESS, "Where it belongs."),
#             Field("TextLen", U16, "Length of Text with its NUL."),
#             reserved(6),
#             Field("Text", Utf8Z("TextLen"), "The remark."),
#         ),
#     ),
#     example={{"address": "0x400000", "text": "entry point"}},
# )

{constant} = DRAFTS["{base}"].overlay(
    "{name}",
    version={version:#06x},
    status="a draft of my own",
    # blocks=[REMARK],
    # New codes and flags, by the name of their registry:
    # values={{"RegionType": (Value({free:#04x}, "Device"),)}},
    # bits={{"Protection": (Bit({bit}, "Sealed"),)}},
    amendments=[
        # What becomes of things of {base}. Each word is refused, with this line, where old
        # readers would get something wrong without noticing.
        #
        # A field takes reserved bytes; zero, which old files have there, must mean unknown:
        # carve("key_hint", "Reserved", Field("Weight", U8, "Its weight; 0: unknown.", default=0)),
        #
        # A type that is registered without a payload gets one:
        # give_payload("file_descriptor", Layout("File Descriptor", "§1", (
        #     Field("FD", U32, "Number of the descriptor."),
        #     reserved(4),
        # )), example={{"fd": 3}}),
        #
        # Other names and other words, with the same meaning:
        # rename("process_identity", "PPID", "ParentID"),
        # reword("process_identity", "CmdLine", "The words that it was started with."),
        #
        # What should no longer be written, and what must not be:
        # deprecate("process_identity", "SessionID", reason="nobody reads it"),
        # forbid("RegionType", "Other"),
        # forbid("BlockType", "related_dump"),
        #
        # What breaks readers of {base}, and so needs a reason:
        # widen("connection_table.Entries", "LocalPort", U32, out_of="Reserved2", reason="…"),
        # retype("connection_table.Entries", "RemotePort", Bytes(2), reason="…"),
        # renumber("RegionType", "Stack", 0x22, reason="…"),
        # redefine("key_hint", "KeyLen", "Length of the key in bits.", reason="…"),
    ],
)
'''


def draft_start(base: Draft, file: str) -> tuple[str, str]:
    """The text of a file that declares a draft, and the name of the draft in it.

    Args:
        base: what it is an overlay of.
        file: the file's name.
    """
    name = re.sub(r"[^a-z0-9]+", "-", file.removesuffix(".py").lower()).strip("-") or "mine"
    constant = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    if not constant[0].isalpha():
        constant = f"DRAFT_{constant}"
    taken = {block.code for block in base.blocks}
    regions = next((one for one in base.enumerations if one.name == "RegionType"), None)
    codes = {value.code for value in regions.values} if regions else set()
    word = next((one for one in base.flags if one.name == "Protection"), None)
    defined = word.defined if word else 0
    text = _TEXT.format(
        title=name,
        base=base.name,
        file=file,
        constant=constant,
        name=name,
        version=base.version + 1,
        code=next(code for code in range(0x1002, 0x1FFF) if code not in taken),
        free=next(code for code in range(256) if code not in codes),
        bit=next((bit for bit in range(8) if not defined >> bit & 1), 7),
    )
    return text, constant
