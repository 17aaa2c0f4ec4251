"""The Construct classes of a region's pages: their states, and the bytes of those captured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..abbreviated import abbreviated, abbreviated_hex
from ..page_map import PAGES_PER_BYTE, PageMap, stored_size
from ..source import Cursor, Extent
from .base import Binding, DocumentOptions, Problem, Sound, Vocabulary
from .codes import Enumeration
from .document_values import as_hex, as_name, as_number, checked_keys
from .misfit import Misfit
from .names import snake_case
from .raw import extent_from_document, extent_to_document
from .run_map import RunMap
from .variable import Rest
from .vocabulary import Uint

__all__ = ["PackedPages", "PageData", "PageStateMap"]

_LONG_MAP = 1 << 16
_BEYOND_ANY_BLOCK = 1 << 32  # BlockLength is a u32
_BITS_OF_A_SIZE = 64


class PackedPages(Extent):
    """Page data as stored where it is compressed by itself, unlike the payload around it.

    Attributes:
        codec: ``zstd`` or ``lz4``.
        inflated_size: the bytes of the captured pages.
    """

    __slots__ = ("codec", "inflated_size")

    def __init__(self, stored: Extent, codec: str, inflated_size: int) -> None:
        super().__init__(stored.source, stored.offset, stored.length)
        self.codec = codec
        self.inflated_size = inflated_size


class PageStateMap(Vocabulary):
    """Two bits a page, most significant first, padded to 8 bytes (§5.1, §6); see `PageMap`.

    Args:
        size: name of the field with the region's size in bytes.
        page_size_log2: name of the field with the page size's exponent.
        low, high: exponents outside make the map's length meaningless; such a region MUST
            be rejected.
    """

    padded = True

    def __init__(self, size: str, page_size_log2: str, low: int, high: int) -> None:
        super().__init__()
        self.size = size
        self.page_size_log2 = page_size_log2
        self.size_key = snake_case(size)
        self.log2_key = snake_case(page_size_log2)
        self.low = low
        self.high = high
        self.states: Enumeration | None = None
        self.names: list[str] = []
        self.every = False  # of them may be written

    def _bind(self, binding: Binding) -> None:
        super()._bind(binding)
        self.states = binding.page_states
        self.names = [self.states.decode(state).name for state in range(PAGES_PER_BYTE)]
        self.every = all(self.states.permits(state) for state in range(PAGES_PER_BYTE))

    @property
    def minimum(self) -> int:
        return 0

    def page_size(self, record: Mapping[str, Any]) -> int | None:
        """Bytes of a page of the region that `record` describes; None where nobody can tell."""
        log2 = record.get(self.log2_key)
        return None if log2 is None or log2 > _BITS_OF_A_SIZE else 1 << log2

    def exponent(self, record: Mapping[str, Any]) -> int | None:
        """Binary logarithm of the page size; None where it is not permitted."""
        log2: int | None = record.get(self.log2_key)
        return None if log2 is None or not self.low <= log2 <= self.high else log2

    def reads(self) -> Iterator[tuple[str, tuple[type[Vocabulary], ...]]]:
        yield self.size, (Uint,)
        yield self.page_size_log2, (Uint,)

    def example(self) -> PageMap:
        return PageMap.uniform(1)

    def pages(self, record: Mapping[str, Any]) -> int:
        """Pages of the region that `record` describes.

        Raises:
            Misfit: the page size is outside the permitted range.
        """
        log2 = record[self.log2_key]
        if not self.low <= log2 <= self.high:
            raise Misfit(f"{self.page_size_log2} of {self.low} to {self.high}", str(log2))
        return int(record[self.size_key] >> log2)

    def completed(self, key: str, values: Mapping[str, Any], default: Any) -> Mapping[str, Any]:
        given = values.get(key, default)
        return {} if given is None else {key: self.normal(given, values)}

    def normal(self, value: Any, record: Mapping[str, Any]) -> PageMap:
        """A caller's value as parsing would give it: runs ``(first_page, count, state)``, too."""
        return value if isinstance(value, PageMap) else self.load_document(value, record)

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> PageMap:
        pages = self.pages(record)
        return PageMap(cursor.take(stored_size(pages)), pages)

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes | Extent:
        if not isinstance(value, PageMap):
            raise ValueError(f"expected a PageMap, found {abbreviated(value)}")
        return value.extent if isinstance(value, RunMap) else value.stored

    @property
    def sound(self) -> Sound | None:
        states = self.states
        assert states is not None

        def sound(value: Any, record: Mapping[str, Any]) -> bool:
            try:
                pages = self.pages(record)
            except Misfit:
                return False
            if value.pages != pages or not value.canonical:
                return False
            return self.every or not any(
                count for state, count in enumerate(value.counts()) if not states.permits(state)
            )

        return sound

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        try:
            pages = self.pages(record)
        except Misfit as misfit:
            yield Problem("page-size", misfit.expected, misfit.found)
            return
        if value.pages != pages:
            yield Problem("page-count-mismatch", f"{pages} pages", f"{value.pages} pages")
        if not value.canonical:
            yield Problem(
                "padding-not-zero", "zero behind the last page", abbreviated_hex(value.tail)
            )
        assert self.states is not None
        for state, count in enumerate(value.counts()):
            if count and not self.states.permits(state):
                yield Problem(
                    "reserved-page-state", "registered page states", f"{count} of {state}"
                )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        names = self.names
        runs: Any = ([first, count, names[state]] for first, count, state in value.runs())
        if stored_size(value.pages) < _LONG_MAP:
            runs = list(runs)  # a longer one is written run by run
        return runs if value.canonical else {"runs": runs, "padding": value.tail.hex()}

    def from_document(self, value: Any) -> PageMap:
        return self.load_document(value, {})

    def load_document(self, value: Any, record: Mapping[str, Any]) -> PageMap:
        """A map from its runs, which is made when it is written where it is a long one.

        Raises:
            ValueError: it is none, or a long one that no region of `record` has.
        """
        assert self.states is not None
        runs = value
        if isinstance(value, Mapping):
            checked_keys(value, "runs", "padding")
            runs = value["runs"]
        if not isinstance(runs, list):
            raise ValueError(f"expected a list of runs, found {abbreviated(runs)}")
        coded = [self._run(run) for run in runs]
        pages = sum(count for _, count, _ in coded)
        size = stored_size(pages)
        if size >= _BEYOND_ANY_BLOCK:
            raise ValueError(f"{abbreviated(pages)} pages have a map that no block can hold")
        if size < _LONG_MAP:
            page_map = PageMap.from_runs(coded, pages)
        else:
            self._demand_region(pages, record)
            page_map = RunMap(coded, pages)
        if not isinstance(value, Mapping):
            return page_map
        tail = as_hex(value["padding"])
        expected = size - pages // PAGES_PER_BYTE
        if len(tail) != expected:
            raise ValueError(f"padding: expected {expected} bytes, found {len(tail)}")
        return page_map.with_tail(tail)

    def _run(self, run: Any) -> tuple[int, int, int]:
        """A run of a document."""
        assert self.states is not None
        if not isinstance(run, (list, tuple)) or len(run) != 3:
            raise ValueError(f"expected [first_page, count, state], found {abbreviated(run)}")
        first, count, state = run
        return as_number(first), as_number(count), self.states.encode(as_name(state))

    def _demand_region(self, pages: int, record: Mapping[str, Any]) -> None:
        """Refuse very many pages of a region that is not said to have as many."""
        try:
            expected = self.pages(record)
        except KeyError as error:
            raise ValueError(
                f"{pages} pages of a region whose {error.args[0]} is not given"
            ) from None
        except Misfit as misfit:
            raise ValueError(f"expected {misfit.expected}, found {misfit.found}") from None
        if pages != expected:
            raise ValueError(f"expected runs of {expected} pages in all, found {pages}")


class PageData(Rest):
    """The bytes of the captured pages, one after another (§5.1).

    Args:
        page_state_map: name of the field that says which pages those are.
        page_size_log2: name of the field with the page size's exponent.
    """

    def __init__(self, page_state_map: str, page_size_log2: str) -> None:
        super().__init__()
        self.page_state_map = page_state_map
        self.page_size_log2 = page_size_log2
        self.map_key = snake_case(page_state_map)
        self.log2_key = snake_case(page_size_log2)

    def reads(self) -> Iterator[tuple[str, tuple[type[Vocabulary], ...]]]:
        yield self.page_state_map, (PageStateMap,)
        yield self.page_size_log2, (Uint,)

    def example(self) -> Any:
        raise TypeError(f"no example of the bytes of pages without {self.page_state_map}")

    @property
    def sound(self) -> Sound | None:
        def sound(value: Any, record: Mapping[str, Any]) -> bool:
            log2 = record[self.log2_key]
            if not isinstance(value, Extent) or not 0 <= log2 < _BITS_OF_A_SIZE:
                return False
            return bool(record[self.map_key].captured << log2 == value.length)

        return sound

    def problems(self, value: Any, record: Mapping[str, Any]) -> Iterator[Problem]:
        log2 = record[self.log2_key]
        if not 0 <= log2 < _BITS_OF_A_SIZE:
            return  # the page map's problem; the number would be as long as a file
        expected = record[self.map_key].captured << log2
        # A compressed payload may say that it inflates to more than len() can.
        found = value.length if isinstance(value, Extent) else len(value)
        if expected != found:
            yield Problem(
                "page-data-length", f"{expected} bytes for the captured pages", str(found)
            )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        return extent_to_document(value, options)

    def from_document(self, value: Any) -> Any:
        return extent_from_document(value)
