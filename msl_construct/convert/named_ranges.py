"""What is mapped, named by the images that lie there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .process import MappedRange, ProcessModule

__all__ = ["named_ranges"]


def named_ranges(
    given: Iterable[MappedRange], modules: Sequence[ProcessModule], pointers: Sequence[int]
) -> list[MappedRange]:
    """Ranges with the names of modules, cut where one begins or ends, and the stacks marked.

    Args:
        given: by address; they share none.
        pointers: of stacks, in order.
    """
    found: list[MappedRange] = []
    images = sorted(modules, key=lambda one: one.base)
    image, pointer = 0, 0
    for one in given:
        at = one.start
        while at < one.end:
            while image < len(images) and images[image].base + images[image].size <= at:
                image += 1
            stop, name = one.end, ""
            if image < len(images) and images[image].base <= at:
                name = images[image].path
                stop = min(stop, images[image].base + images[image].size)
            elif image < len(images):
                stop = min(stop, images[image].base)
            part = one._replace(start=at, end=stop)
            if name and not one.name:
                part = part._replace(name=name, region_type="image")
            while pointer < len(pointers) and pointers[pointer] < at:
                pointer += 1
            stack = pointer < len(pointers) and pointers[pointer] < stop
            if stack and part.region_type in ("unknown", "anonymous"):
                part = part._replace(region_type="stack")
            if found and found[-1].end == at and found[-1]._replace(start=at, end=stop) == part:
                found[-1] = found[-1]._replace(end=stop)
            else:
                found.append(part)
            at = stop
    return found
