"""The kinds of defect that follow from declarations, and what is said of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatch

from ..drafts.dialects.vocabulary import Padding, Rows, TextToEnd
from ..schema import Field, Layout, Record, Table
from ..schema.base import Vocabulary
from ..schema.choice import Choice
from ..schema.codes import Enumeration
from ..schema.pages import PageData, PageStateMap
from ..schema.variable import Blob, Measured, Rest, Utf8, Utf8Z
from ..schema.vocabulary import Bytes, Coded, Fixed, Flags, Reserved, Uint, Uuid
from ..schema.words import no_words
from .model import Level

__all__ = [
    "KINDS",
    "DefectKind",
    "kinds_of_field",
    "kinds_of_structure",
    "prohibited",
    "what_does_not_fit",
]


@dataclass(frozen=True)
class DefectKind:
    """One kind of defect.

    Args:
        defect: the last part of the rule's id.
        demand: what the draft demands, of some fields of a structure.
        wrong: what is wrong with a file that has it.
        why: why that matters.
        level: how much it binds.
    """

    defect: str
    demand: Callable[[Layout, Sequence[Field]], str]
    wrong: str
    why: str
    level: Level = Level.MUST


def _listed(fields: Sequence[Field]) -> str:
    names = list(dict.fromkeys(field.name for field in fields))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _demands(sentence: str) -> Callable[[Layout, Sequence[Field]], str]:
    """A demand from a sentence with places for the structure and its fields."""

    def demand(layout: Layout, fields: Sequence[Field]) -> str:
        many = len({field.name for field in fields}) > 1
        return sentence.format(
            structure=layout.title,
            fields=_listed(fields) if fields else "",
            are="are" if many else "is",
            s="" if many else "s",
            fy="identify" if many else "identifies",
        )

    return demand


def _permitted(layout: Layout, fields: Sequence[Field]) -> str:
    each = "; ".join(f"{field.name}: {getattr(field.type, 'valid', '')}" for field in fields)
    return f"Producers write into the {layout.title} only what is permitted. {each}."


def _not_reserved(layout: Layout, fields: Sequence[Field]) -> str:
    each = []
    for field in fields:
        assert isinstance(field.type, Coded)
        registry = field.type.registry
        each.append(f"{registry.name}: {', '.join(prohibited(registry))}")
    return (
        f"No code in the {layout.title} is one that the draft reserves or forbids. "
        f"{'; '.join(dict.fromkeys(each))}."
    )


def prohibited(registry: Enumeration) -> Iterator[str]:
    """The codes of a registry that no producer may write, as text."""
    digits = 2 * registry.width
    for value in registry.values:
        if value.reserved:
            yield f"{value.code:#0{digits + 2}x}"
    for span in registry.spans:
        if span.use == "reserved":
            yield f"{span.first:#0{digits + 2}x} to {span.last:#0{digits + 2}x}"


_KINDS = (
    DefectKind(
        "RESERVED-NOT-ZERO",
        _demands("{fields} of the {structure} {are} zero (§1.3)."),
        "Reserved bytes hold something.",
        "A later version gives these bytes a meaning. Its readers will take what stands here for "
        "a value that was meant.",
    ),
    DefectKind(
        "PADDING-NOT-ZERO",
        _demands("{fields} of the {structure} {are} padded to 8 bytes with zeros (§1.3)."),
        "Padding holds something.",
        "Bytes that no reader shows travel with the file: most likely remains of the producer's "
        "own memory.",
    ),
    DefectKind(
        "VALUE-NOT-PERMITTED",
        _permitted,
        "A field holds a value that producers must not write.",
        "Readers refuse such a file, skip the block, or misjudge where things are.",
    ),
    DefectKind(
        "RESERVED-CODE",
        _not_reserved,
        "A field holds a code that is reserved or forbidden.",
        "Readers can show no more than a number, and a later version may give it another meaning.",
    ),
    DefectKind(
        "UNREGISTERED-CODE",
        _demands(
            "{fields} of the {structure} hold{s} a code that the draft registers or leaves to "
            "vendors."
        ),
        "A field holds a code that the draft does not list.",
        "Readers keep such a code, but nobody can say what it means.",
        Level.OURS,
    ),
    DefectKind(
        "UNDEFINED-FLAG",
        _demands("Bits of {fields} of the {structure} that have no meaning are zero."),
        "A flag bit without a meaning is set.",
        "A later version gives the bit a meaning. Its readers will believe that it was meant.",
    ),
    DefectKind(
        "UUID-NOT-VERSION-4",
        _demands("{fields} of the {structure} {are} of version 4 in network order (§1.3)."),
        "A UUID is not of version 4.",
        "Most often its bytes are swapped, and then other tools show another UUID. Other "
        "versions tell of the machine that made them, or are not unique.",
    ),
    DefectKind(
        "UUID-NIL",
        _demands("{fields} of the {structure} {fy} something: not all zeros (§1.3)."),
        "A UUID that must identify something is all zeros.",
        "Nothing can be referred to by it, and all zeros elsewhere mean none.",
    ),
    DefectKind(
        "STRING-NOT-TERMINATED",
        _demands("{fields} of the {structure} end{s} with a NUL that its length counts (§1.3)."),
        "The length of a string does not count a NUL at its end.",
        "Programs that trust the NUL read on into whatever follows.",
    ),
    DefectKind(
        "STRING-HAS-NUL",
        _demands("{fields} of the {structure} hold{s} no NUL inside (§1.3)."),
        "A string goes on behind a NUL.",
        "Some readers show the part before the NUL, others all of it: what it says depends on "
        "who reads it.",
    ),
    DefectKind(
        "STRING-NOT-UTF-8",
        _demands("{fields} of the {structure} {are} UTF-8 (§1.3)."),
        "The bytes of a string are not UTF-8.",
        "Readers replace, drop or refuse what they can't decode: the name that is shown is not "
        "the name that was stored.",
    ),
    DefectKind(
        "RESERVED-PAGE-STATE",
        _demands("{fields} of the {structure} hold{s} no page state that is reserved."),
        "Pages have a state that the draft reserves.",
        "Readers of this draft take it for Failed, those of a later one for what it means there.",
    ),
    DefectKind(
        "PAGE-MAP-TOO-LARGE",
        _demands("{fields} of the {structure} {are} as long as its size and page size demand."),
        "The page map does not fit the block.",
        "Nothing is known of the region's pages; a careless reader takes what follows for states.",
    ),
    DefectKind(
        "PAGE-DATA-LENGTH",
        _demands("{fields} of the {structure} hold{s} one page for each captured page, no more."),
        "The page data is not as long as the captured pages.",
        "If it is short, careless readers show bytes of the next block as memory; if it is long, "
        "nobody knows which pages are meant.",
    ),
    DefectKind(
        "TOO-SHORT",
        _demands("The {structure} holds all of its fields."),
        "The payload ends before its fields do.",
        "The fields that are missing are unknown, whatever readers show for them.",
    ),
    DefectKind(
        "LENGTH-TOO-LARGE",
        _demands("{fields} of the {structure} {are} within it, as their lengths say."),
        "A length says more bytes than there are.",
        "Careless readers take bytes of what follows for the value; nothing behind it can be "
        "found.",
    ),
    DefectKind(
        "BODY-TOO-SHORT",
        _demands("{fields} of the {structure} hold{s} all that its kind demands."),
        "A length is too small for the fields that it must hold.",
        "The fields that are missing are unknown, and so is where the next row begins.",
    ),
    DefectKind(
        "BODY-TOO-LONG",
        _demands("{fields} of the {structure} hold{s} no more than its kind demands."),
        "A length leaves room for more than the fields that it covers.",
        "The length is wrong, or the producer added something that no other reader knows of.",
    ),
    DefectKind(
        "COUNT-TOO-LARGE",
        _demands("The {structure} holds as many entries as its count says: {fields}."),
        "A count says more entries than there are.",
        "Entries are missing, or the count is wrong; nobody can say which.",
    ),
    DefectKind(
        "ENTRY-SIZE-TOO-SMALL",
        _demands("The size that the {structure} states for its {fields} has room for one."),
        "The stated size of an entry is less than its fields need.",
        "Readers that trust it and readers that don't find different entries.",
    ),
    DefectKind(
        "SURPLUS-BYTES",
        _demands(
            "The {structure} ends behind its last field; no more follows than zeros up to the "
            "next multiple of 8."
        ),
        "Bytes follow that belong to no field.",
        "A count or a length is too small, or the producer added something that no other reader "
        "knows of.",
    ),
)

KINDS = {kind.defect: kind for kind in _KINDS}
"""Every kind by the last part of its rules' ids."""


@singledispatch
def defects(kind: Vocabulary) -> Iterator[str]:
    """The kinds of defect that a value of a class can have in a file.

    Raises:
        ExportError: the class is none that the rules know.
    """
    raise no_words(kind, __name__)


def kinds_of_field(field: Field) -> Iterator[str]:
    """The kinds of defect that a value of this field can have in a file."""
    return defects(field.type)


@defects.register
def _(kind: Uint) -> Iterator[str]:
    if kind.valid is not None:
        yield "VALUE-NOT-PERMITTED"


@defects.register(Bytes)
@defects.register(Padding)
@defects.register(Rows)
@defects.register(Rest)
def _(kind: Vocabulary) -> Iterator[str]:
    return iter(())  # whatever stands there will do, or is explained by the dialect


@defects.register
def _(kind: Reserved) -> Iterator[str]:
    yield "RESERVED-NOT-ZERO"


@defects.register
def _(kind: Uuid) -> Iterator[str]:
    yield "UUID-NOT-VERSION-4"
    if not kind.nil:
        yield "UUID-NIL"


@defects.register
def _(kind: Coded) -> Iterator[str]:
    if kind.valid is not None:
        yield "VALUE-NOT-PERMITTED"
        return
    if any(prohibited(kind.registry)):
        yield "RESERVED-CODE"
    if not _covered(kind.registry):
        yield "UNREGISTERED-CODE"


@defects.register
def _(kind: Flags) -> Iterator[str]:
    if kind.word.defined != (1 << 8 * kind.width) - 1:
        yield "UNDEFINED-FLAG"


@defects.register
def _(kind: Utf8Z) -> Iterator[str]:
    if not isinstance(kind, Utf8):
        yield "STRING-NOT-TERMINATED"
    yield from ("STRING-HAS-NUL", "STRING-NOT-UTF-8")
    if kind.padded:
        yield "PADDING-NOT-ZERO"
    yield "LENGTH-TOO-LARGE"


@defects.register
def _(kind: TextToEnd) -> Iterator[str]:
    yield "STRING-NOT-UTF-8"


@defects.register
def _(kind: Blob) -> Iterator[str]:
    yield from ("PADDING-NOT-ZERO", "LENGTH-TOO-LARGE")


@defects.register
def _(kind: PageStateMap) -> Iterator[str]:
    yield from ("PADDING-NOT-ZERO", "PAGE-MAP-TOO-LARGE")
    assert kind.states is not None
    if not all(kind.states.permits(state) for state in range(4)):
        yield "RESERVED-PAGE-STATE"


@defects.register
def _(kind: PageData) -> Iterator[str]:
    yield "PAGE-DATA-LENGTH"


@defects.register
def _(kind: Table) -> Iterator[str]:
    yield "COUNT-TOO-LARGE"
    if kind.entry_size is not None:
        yield "ENTRY-SIZE-TOO-SMALL"


@defects.register
def _(kind: Choice) -> Iterator[str]:
    yield from ("BODY-TOO-SHORT", "BODY-TOO-LONG", "LENGTH-TOO-LARGE")


@singledispatch
def what_does_not_fit(kind: Vocabulary, payload: Record, last: bool) -> str | None:
    """What is wrong where a value does not fit the payload; None: another finding says it.

    Args:
        payload: what was decoded.
        last: whether it is the value itself, and not something inside of it.
    """
    raise no_words(kind, __name__)


@what_does_not_fit.register(Fixed)
@what_does_not_fit.register(Rest)
@what_does_not_fit.register(Table)
@what_does_not_fit.register(Padding)
@what_does_not_fit.register(Rows)
@what_does_not_fit.register(TextToEnd)
def _(kind: Vocabulary, payload: Record, last: bool) -> str | None:
    return "TOO-SHORT"


@what_does_not_fit.register
def _(kind: Measured, payload: Record, last: bool) -> str | None:
    return "LENGTH-TOO-LARGE"


@what_does_not_fit.register
def _(kind: Choice, payload: Record, last: bool) -> str | None:
    return "LENGTH-TOO-LARGE" if last else "BODY-TOO-SHORT"


@what_does_not_fit.register
def _(kind: PageStateMap, payload: Record, last: bool) -> str | None:
    # A page size that makes no sense is a finding itself.
    return None if kind.exponent(payload) is None else "PAGE-MAP-TOO-LARGE"


def kinds_of_structure(layout: Layout) -> Iterator[str]:
    """The kinds of defect that a payload can have as a whole."""
    if any(isinstance(field.type, Fixed) for field in layout.fields):
        yield "TOO-SHORT"
    if not isinstance(layout.fields[-1].type, Rest):
        yield "SURPLUS-BYTES"


def _covered(registry: Enumeration) -> bool:
    """Whether every code is registered, reserved or a vendor's."""
    known = {value.code for value in registry.values}
    spans = [span for span in registry.spans if span.use in ("reserved", "vendor")]
    inside = sum(span.last - span.first + 1 for span in spans)
    outside = sum(not any(s.first <= code <= s.last for s in spans) for code in known)
    return inside + outside == 1 << 8 * registry.width
