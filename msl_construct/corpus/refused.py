"""Files that a consumer must refuse as a whole: there is nothing that a rule could look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .base_plans import minimal
from .plan import Edit, Form, Plan, Which, before, every, little

__all__ = ["RefusedFile", "refused"]


@dataclass(frozen=True)
class RefusedFile:
    """A file to be refused.

    Attributes:
        name: without folder and form.
        shows: why.
        bend: makes a plan such a file.
        forms: in which forms.
    """

    name: str
    shows: str
    bend: Callable[[Plan], None]
    forms: Which = little


def _header(field: str, data: bytes) -> Callable[[Plan], None]:
    def bend(plan: Plan) -> None:
        offset = plan.form.schema.file_header.offset_of(field)
        plan.header_edits.append(Edit(offset, data))

    return bend


def _version(version: str) -> Callable[[Plan], None]:
    def bend(plan: Plan) -> None:
        plan.header["version"] = version

    return bend


def _cut_to(size: int) -> Callable[[Plan], None]:
    def bend(plan: Plan) -> None:
        plan.blocks, plan.end = {}, None
        plan.cut = plan.form.schema.file_header_size - size

    return bend


def refused(forms: Iterable[Form]) -> Iterator[tuple[RefusedFile, Form, Plan]]:
    """Each with its form, of some, and its plan."""
    for each in _REFUSED:
        for form in filter(each.forms, forms):
            plan = minimal(form)
            each.bend(plan)
            yield each, form, plan


_REFUSED = (
    RefusedFile(
        "refuse-empty", "A file of no bytes.", _cut_to(0), before("draft-2026-10", "little")
    ),
    RefusedFile("refuse-magic", "One bit of the file's magic is flipped.", _header("magic", b"L")),
    RefusedFile("refuse-header-cut", "The file ends inside its header.", _cut_to(63)),
    RefusedFile("refuse-endianness-0", "Endianness is 0.", _header("endianness", b"\0"), every),
    RefusedFile("refuse-endianness-3", "Endianness is 3.", _header("endianness", b"\3"), every),
    RefusedFile(
        "refuse-major-2", "Version 2.0: another major version, which consumers SHOULD reject.",
        _version("0x0200"), every,
    ),
    RefusedFile("refuse-major-0", "Version 0.0.", _version("0x0000")),
    RefusedFile("refuse-header-size-0", "HeaderSize is 0.", _header("header_size", b"\0")),
    RefusedFile(
        "refuse-header-size-63", "HeaderSize is less than the header has.",
        _header("header_size", b"\x3f"),
    ),
)  # fmt: skip
