"""Drafts on the command line: a name, or ``FILE.py:NAME`` for one of one's own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from ..drafts import PUBLIC, known
from ..errors import DraftError
from .text import printable

if TYPE_CHECKING:
    from ..schema import Draft

__all__ = [
    "DRAFT",
    "OWN",
    "TOLERABLE",
    "UNCHECKED_DRAFT",
    "DraftType",
    "blaming_its_file",
    "demand_bindable",
    "draft_option",
]

F = TypeVar("F", bound=Callable[..., object])

OWN = "FILE.py:NAME is a draft of your own; FILE.py is run for it."
"""For the help of whatever takes a draft."""

TOLERABLE = ("no-level", "no-section", "no-sentence", "unused-registry")
"""Kinds of findings about a declaration that keep nobody from reading and writing files."""


class _DefectOfOurs(click.ClickException):
    """What goes wrong with a draft before its command has begun, and is not its author's."""

    exit_code = 70

    def __init__(self, error: Exception, draft: str) -> None:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        super().__init__(
            printable(
                f"msl: a defect of ours: {text}, with the draft {draft} (--debug shows where)"
            )
        )

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=file is None)


class DraftType(click.ParamType):  # type: ignore[type-arg]
    """A known draft's name, as its name; ``FILE.py:NAME`` as the name of what is loaded.

    Args:
        checked: whether a draft of one's own must agree with itself; see `msl schema check`.
    """

    name = "draft"

    def __init__(self, *, checked: bool = True) -> None:
        self._checked = checked

    def get_metavar(self, *_: object, **__: object) -> str:
        """What the help shows, whatever this version of click passes."""
        return f"[{'|'.join((*PUBLIC, 'FILE.py:NAME'))}]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..drafts.authored import is_authored, load

        if value in known():
            return value
        if not is_authored(value):
            names = ", ".join(map(repr, known()))
            self.fail(f"{value!r} is not one of {names}, and not FILE.py:NAME.", param, ctx)
        try:
            draft = load(value)
            if self._checked:
                _demand_usable(draft)
        except DraftError as error:
            self.fail(str(error), param, ctx)
        except Exception as error:
            if ctx is not None and ctx.params.get("debug"):
                traceback.print_exc()
            raise _DefectOfOurs(error, value) from None
        return draft.name


def _demand_usable(draft: Draft) -> None:
    """Refuse a draft that can't be used, before anything is read or written with it.

    Raises:
        DraftError: what is wrong with it, and where.
    """
    from ..drafts.authored import place_of
    from ..exports.consistency import findings

    with blaming_its_file(draft):
        for finding in findings(draft):
            if not finding.remark and finding.kind not in TOLERABLE:
                raise DraftError(f"{place_of(draft.name, finding.where, finding.text)}: {finding}")
        demand_bindable(draft)


def demand_bindable(draft: Draft) -> None:
    """Make of a draft what commands make of it: schemas, rules, statements.

    Raises:
        Exception: it can't be done.
    """
    from ..drafts import schema
    from ..rules.engine import rules_for
    from ..rules.statements import every_statement

    for order in draft.byte_orders:
        bound = schema(draft, order)
        _ = bound.file_magic, bound.block_magic
    rules_for(draft)
    every_statement(draft)


@contextmanager
def blaming_its_file(draft: Draft) -> Iterator[None]:
    """What fails of a draft of one's own inside is told with the line of its file.

    That is what its code raises, and what this package says of a declaration. Anything else is a
    defect of this package.

    Raises:
        DraftError: what is wrong with it, and where.
    """
    from ..drafts.authored import blamed, is_loaded, is_said, place_of, said

    try:
        yield
    except DraftError:
        raise
    except Exception as error:
        if not is_loaded(draft):
            raise
        place, text = blamed(error.__traceback__), said(error)
        if place is None and not is_said(error):
            raise
        place = place or place_of(draft.name, "", text)
        raise DraftError(f"{place}: {text}") from error


DRAFT = DraftType()
UNCHECKED_DRAFT = DraftType(checked=False)


def draft_option(
    text: str, *, default: str | None = None, show_default: bool = False
) -> Callable[[F], F]:
    """The option ``--draft``.

    Args:
        text: what the draft is for, in a sentence.
        default: the draft where none is named.
        show_default: whether the help says which that is.
    """
    return click.option(
        "--draft",
        type=DRAFT,
        default=default,
        show_default=show_default,
        help=f"{text} {OWN}",
    )
