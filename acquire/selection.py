"""Which mappings are captured: by what people call them, address, protection, type or path."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msl_construct.errors import TargetError

from .memory_words import WORDS, Surroundings, surroundings
from .model import EXECUTE, READ, WRITE, Mapping

__all__ = ["KINDS", "Selection", "reading_order", "selector"]

Selector = Callable[[Mapping, Surroundings], bool]

KINDS = ("address", "protection", "type", "path")
_BITS = {"r": READ, "w": WRITE, "x": EXECUTE}
_TYPES = ("heap", "stack", "image", "mapped_file", "anonymous", "shared_mem", "other", "unknown")


def selector(text: str) -> Selector:
    """What decides whether a mapping is meant.

    Args:
        text: ``address:0x1000-0x2000`` (mappings that overlap it), ``address:0x1000``,
            ``protection:rw-`` (a letter must be there, ``-`` must not, ``?`` either way),
            ``type:heap``, ``path:*/libc*``, or a word, see `memory_words.WORDS`.

    Raises:
        TargetError: it is none of these.
    """
    if text in WORDS:
        return WORDS[text]
    kind, _, value = text.partition(":")
    if kind == "address":
        return _address(text, value)
    if kind == "protection":
        return _protection(text, value)
    if kind == "type" and value in _TYPES:
        return lambda mapping, _: mapping.region_type == value
    if kind == "path" and value:
        return lambda mapping, _: fnmatch.fnmatchcase(mapping.name, value)
    raise TargetError(
        f"selector {text!r}: expected {', '.join(WORDS)}, address:FROM-TO, protection:rwx, "
        f"path:GLOB or type: and one of {', '.join(_TYPES)}"
    )


def _address(text: str, value: str) -> Selector:
    first, dash, last = value.partition("-")
    try:
        start = int(first, 0)
        end = int(last, 0) if dash else start + 1
    except ValueError:
        raise TargetError(f"selector {text!r}: expected address:0xFROM-0xTO") from None
    if end <= start:
        raise TargetError(f"selector {text!r}: {end:#x} is not behind {start:#x}")
    return lambda mapping, _: mapping.start < end and start < mapping.end


def _protection(text: str, value: str) -> Selector:
    wanted = care = 0
    if len(value) != len(_BITS):
        raise TargetError(f"selector {text!r}: expected three of r, w, x, - and ?")
    for letter, (name, bit) in zip(value, _BITS.items()):
        if letter not in (name, "-", "?"):
            raise TargetError(f"selector {text!r}: expected {name}, - or ? and found {letter!r}")
        care |= 0 if letter == "?" else bit
        wanted |= bit if letter == name else 0
    return lambda mapping, _: mapping.protection & care == wanted


@dataclass(frozen=True)
class Selection:
    """Selectors: what is included, all unless there are any, less what is excluded.

    Attributes:
        include, exclude: as `selector` reads them.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    _include: tuple[Selector, ...] = field(default=(), init=False, repr=False, compare=False)
    _exclude: tuple[Selector, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_include", tuple(map(selector, self.include)))
        object.__setattr__(self, "_exclude", tuple(map(selector, self.exclude)))

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self._include and not self._exclude

    def split(
        self, mappings: Sequence[Mapping], stack_pointers: Iterable[int] = ()
    ) -> tuple[list[Mapping], list[Mapping]]:
        """The mappings that are selected, and those that are not.

        Args:
            mappings: all of a target, in address order.
            stack_pointers: of its threads, as far as they are known.
        """
        if self.everything:
            return list(mappings), []
        around = surroundings(mappings, stack_pointers)
        taken: list[Mapping] = []
        left: list[Mapping] = []
        for mapping in mappings:
            wanted = not self._include or any(meant(mapping, around) for meant in self._include)
            wanted = wanted and not any(meant(mapping, around) for meant in self._exclude)
            (taken if wanted else left).append(mapping)
        return taken, left

    def idle(self, mappings: Sequence[Mapping], stack_pointers: Iterable[int] = ()) -> list[str]:
        """The selectors that mean none of the mappings: most likely something was mistyped."""
        around = surroundings(mappings, stack_pointers)
        written = (*self.include, *self.exclude)
        return [
            text
            for text, meant in zip(written, (*self._include, *self._exclude))
            if not any(meant(mapping, around) for mapping in mappings)
        ]

    def check(self, mappings: Sequence[Mapping], stack_pointers: Iterable[int] = ()) -> None:
        """Refuse to select nothing of a target.

        Raises:
            TargetError: it would; the remedy names the words that would select something.
        """
        pointers = list(stack_pointers)
        if self.everything or not mappings or self.split(mappings, pointers)[0]:
            return
        around = surroundings(mappings, pointers)
        useful = []
        for word, meant in WORDS.items():
            size = sum(mapping.size for mapping in mappings if meant(mapping, around))
            if size:
                useful.append(f"{word} ({size / (1 << 20):.1f} MiB)")
        chosen = " ".join(
            [f"--include {text}" for text in self.include]
            + [f"--exclude {text}" for text in self.exclude]
        )
        raise TargetError(
            f"of {len(mappings)} mappings {chosen} selects none",
            remedy=f"this target has {', '.join(useful)}; or see /proc/PID/maps",
        )


def reading_order(mappings: Iterable[Mapping]) -> list[Mapping]:
    """The mappings in the order in which they are read: what exists nowhere else comes first.

    Heap and main stack, then what can be written or has no file, then code and files that are
    only read. Each of the three is in the order given.
    """
    ranks: tuple[list[Mapping], ...] = ([], [], [])
    for mapping in mappings:
        kind = mapping.region_type
        if kind in ("heap", "stack"):
            ranks[0].append(mapping)
        elif mapping.protection & WRITE or kind in ("anonymous", "shared_mem"):
            ranks[1].append(mapping)
        else:
            ranks[2].append(mapping)
    return [mapping for rank in ranks for mapping in rank]
