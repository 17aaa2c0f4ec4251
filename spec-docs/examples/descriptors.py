"""Open files of the target: a payload for a type that draft 2026-10 registers without one."""

from msl_construct.author import DRAFTS, U16, U32, U64, Field, Layout, Utf8Z, give_payload, reserved

LAYOUT = Layout(
    "File Descriptor",
    "§lab",
    [
        Field("FD", U32, "Number of the descriptor."),
        Field("OpenFlags", U32, "What it was opened with, as the system has it.", default=0),
        Field("Position", U64, "Where the next byte is read; 0: the start, or unknown.", default=0),
        Field("PathLen", U16, "Length of Path with its NUL."),
        reserved(6),
        Field("Path", Utf8Z("PathLen"), "What it leads to."),
    ],
)
EXAMPLE = {"fd": 3, "open_flags": 2, "position": 4096, "path": "/var/log/syslog"}
PAYLOAD = give_payload("file_descriptor", LAYOUT, example=EXAMPLE)
OPEN_FILES = DRAFTS["draft-2026-10"].overlay("open-files", 0x0102, "lab", amendments=[PAYLOAD])
