"""What both read calls have in common."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["read_pages"]


def read_pages(
    copy: Callable[[int, memoryview], int], address: int, into: memoryview, page_size: int
) -> int:
    """Read whole pages up to the first that can't be read; how many bytes came.

    A call that fails may deliver what came before the bad page, a part of it, or nothing at
    all. So what is left is tried again in halves, until one page stands alone: between the
    bytes that are reported and that page there is no other, and no byte is reported that no
    call delivered.

    Args:
        copy: copies from an address into a buffer and says how many bytes came.
        address: a multiple of the page size.
        into: where to; a part of a page at its end stays untouched.
        page_size: bytes.
    """
    total = len(into) // page_size * page_size
    done, step = 0, total
    while done < total:
        size = min(step, total - done)
        came = copy(address + done, into[done : done + size]) // page_size * page_size
        done += came
        if came < size:
            if size == page_size:
                break
            step = max(size // 2 // page_size * page_size, page_size)
    return done
