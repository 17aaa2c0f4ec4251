"""Regions of an old file as those of a new one: what is known of their pages, and their bytes."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..codecs.inflate import InflatedSource
from ..errors import CompressionError
from ..page_map import PageMap
from ..reader.regions import Fragment, Region
from ..schema import Schema
from ..source import CHUNK, Extent
from .losses import Loss, Losses
from .page_states import joined, with_codes, without_data

__all__ = ["RegionPart", "parts_of", "released"]

_CAPTURED, _FAILED = "captured", "failed"


@dataclass(frozen=True)
class RegionPart:
    """Fragments whose pages follow each other without a gap: a region of the new file.

    Attributes:
        fragments: of the old one.
        uuid: BlockUUID in the new one.
        present: bytes of PageData that there are of each fragment.
    """

    fragments: tuple[Fragment, ...]
    uuid: uuids.UUID
    present: tuple[int, ...]

    @property
    def head(self) -> Fragment:
        """The fragment that says what holds for all."""
        return min(self.fragments, key=lambda one: (one.continues, one.block.index))

    @property
    def base_addr(self) -> int:
        """First address."""
        return self.fragments[0].base

    @property
    def page_size(self) -> int:
        """Bytes of a page."""
        return self.fragments[0].page_size

    @property
    def data_size(self) -> int:
        """Bytes of its PageData in the new file."""
        return sum(self.present)

    def page_map(self, target: Schema) -> PageMap:
        """The states of its pages, as the new file's draft has them."""
        maps = []
        for fragment, present in zip(self.fragments, self.present):
            codes = _codes(fragment.block.schema, target)
            found = with_codes(fragment.pages, codes)
            pages = present // fragment.page_size
            if pages < found.captured:
                found = without_data(found, pages, target.page_states.encode(_FAILED))
            maps.append(found)
        return joined(maps)

    def states(self, target: Schema) -> Iterator[tuple[int, str]]:
        """What it is expected to say of its pages: how many, and the name of their state."""
        held: tuple[int, str] | None = None
        for fragment, present in zip(self.fragments, self.present):
            left = present // fragment.page_size
            states = fragment.block.schema.page_states
            for _, count, code in fragment.pages.runs():
                name = states.decode(code).name
                there = min(count, left) if not code else count
                left -= there if not code else 0
                for pages, state in ((there, name), (count - there, _FAILED)):
                    told = state if _has(target, state) else _FAILED
                    if held is not None and held[1] == told:
                        held = (held[0] + pages, told)
                    elif pages:
                        if held is not None:
                            yield held
                        held = (pages, told)
        if held is not None:
            yield held

    def data(self) -> Extent:
        """The bytes of its captured pages, which are read when somebody asks for them."""
        # Of what does not inflate not even nothing can be read.
        parts = [f.data.part(0, size) for f, size in zip(self.fragments, self.present) if size]
        if len(parts) == 1:
            return parts[0]
        return Extent(_Joined(parts), 0, sum(part.length for part in parts))


def released(part: RegionPart) -> None:
    """Let go of what was inflated of a region."""
    for fragment in part.fragments:
        if isinstance(fragment.data.source, InflatedSource):
            fragment.data.source.release()


def parts_of(region: Region, target: Schema, losses: Losses) -> Iterator[tuple[Fragment, ...]]:
    """The fragments of a region in groups that become a region each.

    Where pages are missing between two fragments, nobody knows anything of them.
    """
    group: list[Fragment] = []
    end = 0
    for fragment in region.fragments:
        if fragment.damaged:
            text = f"{fragment.block.problem or 'its page map does not fit'}: nothing is known of "
            losses.add(_loss(fragment, "damage", f"{text}its {fragment.size:#x} bytes"))
            continue
        if group and fragment.base != end:
            text = f"expected the fragment at {end:#x}, it is at {fragment.base:#x}: two regions"
            losses.add(_loss(fragment, "damage", f"{fragment.block.describe()}: {text}"))
            yield tuple(group)
            group = []
        _judge(fragment, target, losses)
        group.append(fragment)
        end = fragment.base + fragment.pages.pages * fragment.page_size
    if group:
        yield tuple(group)


def present_of(fragment: Fragment, losses: Losses) -> int:
    """Bytes of whole pages that a fragment holds, of those that its map promises.

    Raises:
        LimitError: they can't be looked at.
    """
    promised = fragment.pages.captured * fragment.page_size
    source = fragment.data.source
    if isinstance(source, InflatedSource):
        try:
            source.check()
        except CompressionError as error:
            text = f"{fragment.block.describe()}: {error}: its captured pages become failed"
            losses.add(_loss(fragment, "damage", text, "page_data"))
            return 0
        finally:
            source.release()
    found = min(promised, fragment.data.length // fragment.page_size * fragment.page_size)
    if found < promised:
        text = (
            f"{fragment.block.describe()}: PageData: expected {promised} bytes, found "
            f"{fragment.data.length}; pages that become {_FAILED}: "
            f"{(promised - found) // fragment.page_size}"
        )
        losses.add(_loss(fragment, "damage", text, "page_data"))
    return found


def _judge(fragment: Fragment, target: Schema, losses: Losses) -> None:
    """Say what of a fragment the new file can't say."""
    whole = fragment.pages.pages * fragment.page_size
    if whole != fragment.size:
        text = f"RegionSize {fragment.size:#x}: its pages have {whole:#x} bytes, which is written"
        losses.add(_loss(fragment, "form", f"{fragment.block.describe()}: {text}", "region_size"))
    states = fragment.block.schema.page_states
    for code, count in enumerate(fragment.pages.counts()):
        name = states.decode(code).name
        if count and not _has(target, name):
            text = f"pages are {name}, which {target.name} can't say, and become {_FAILED}: {count}"
            losses.add(
                _loss(fragment, "draft", f"{fragment.block.describe()}: {text}", "page_state_map")
            )
    promised = fragment.pages.captured * fragment.page_size
    if any(any(piece) for piece in _behind(fragment, promised)):
        text = f"{fragment.data.length - promised} bytes behind PageData"
        losses.add(_loss(fragment, "form", f"{fragment.block.describe()}: {text}", "page_data"))


def _behind(fragment: Fragment, promised: int) -> Iterator[memoryview]:
    """What stands behind a fragment's pages."""
    if fragment.data.length > promised and not isinstance(fragment.data.source, InflatedSource):
        yield from fragment.data.part(promised, fragment.data.length - promised).chunks()


def _loss(fragment: Fragment, kind: str, text: str, field: str = "") -> Loss:
    return Loss(kind, text, fragment.block.offset, fragment.block.index, field)


def _has(target: Schema, name: str) -> bool:
    """Whether a draft has a page state that a producer may write."""
    try:
        return target.page_states.permits(target.page_states.encode(name))
    except ValueError:
        return False


def _codes(source: Schema, target: Schema) -> list[int]:
    """What the four codes of one draft become in another."""
    names = [source.page_states.decode(code).name for code in range(4)]
    return [target.page_states.encode(one if _has(target, one) else _FAILED) for one in names]


class _Joined:
    """Several extents as one source."""

    def __init__(self, parts: Sequence[Extent]) -> None:
        self._parts = parts
        self.size = sum(part.length for part in parts)

    def read(self, offset: int, length: int) -> bytes:
        found = bytearray()
        for piece in self.pieces(offset, length):  # each is gone once the next is asked for
            found += piece
        return bytes(found)

    def view(self, offset: int, length: int) -> memoryview:
        return memoryview(self.read(offset, length))

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        for part in self._parts:
            if offset < part.length and length:
                wanted = part.part(offset, length)
                yield from wanted.chunks(size)
                length -= wanted.length
                offset = 0
            else:
                offset -= min(offset, part.length)

    def forget(self, before: int) -> None:
        pass
