"""Valid samples of page states and page sizes (§5.1, §6)."""

from __future__ import annotations

from itertools import cycle, islice, product

from .base_plans import with_regions
from .payloads import BASE, KIB, LOG2, region
from .plan import Form, Plan, before, every, since
from .valid import valid

_PER_WORD = 32
"""Pages whose states fill the 8 bytes that the map is padded to."""


def _letters(form: Form) -> str:
    return "CFUN" if form.schema.draft.has_state("not_resident") else "CFU"


def _states(pages: int, form: Form) -> str:
    """Captured at both ends, so that an error by one shows; the others in turn between."""
    between = islice(cycle(_letters(form)[1:]), max(0, pages - 2))
    return ("C" + "".join(between) + "C")[: pages - 1] + "C"


for _pages in (1, 2, 3, 4, 5, 7, 8, 9, *(n * _PER_WORD + i for n in (1, 2) for i in (-1, 0, 1))):

    @valid(
        "map-lengths",
        *(("failed",) if _pages > 2 else ()),
        *(("unmapped",) if _pages > 3 else ()),
        name=f"map-{_pages:02}-pages",
        shows=f"A region of {_pages} pages, the first and the last of them captured.",
    )
    def map_of(form: Form, pages: int = _pages) -> Plan:
        return with_regions(form, region(_states(pages, form)))


@valid("failed", "unmapped")
def figure_8(form: Form) -> Plan:
    """The twelve pages of the specification's figure 8: C C C F, C C U U, C C F C."""
    return with_regions(form, region("CCCFCCUUCCFC"))


@valid("failed", "unmapped", "zst")
def map_all_patterns(form: Form) -> Plan:
    """Every byte that a page map can have: four pages in all the states that there are."""
    states = "".join("".join(four) for four in product(_letters(form), repeat=4))
    plan = with_regions(form, region(states))
    plan.block("region").codec = "zstd"
    return plan


for _name, _letter, _code in (
    ("captured", "C", ()),
    ("failed", "F", ("failed",)),
    ("unmapped", "U", ("unmapped",)),
    ("not-resident", "N", ("notres",)),
):

    @valid(
        *_code,
        forms=since("draft-2026-10") if _letter == "N" else every,
        name=f"all-{_name}",
        shows=f"A region whose five pages are all {_name.replace('-', ' ')}.",
    )
    def all_of(form: Form, letter: str = _letter) -> Plan:
        return with_regions(form, region(letter * 5))


@valid("pagesize")
def page_sizes(form: Form) -> Plan:
    """Regions with every page size from 1 KiB to 1 TiB, a failed and an unmapped page each."""
    log2s = range(LOG2, 41)
    return with_regions(
        form, *(region("FU", number + 1 << 45, n) for number, n in enumerate(log2s))
    )


@valid("pagesize", "zst")
def page_sizes_captured(form: Form) -> Plan:
    """Captured pages of 2, 4 and 16 KiB, compressed."""
    plan = with_regions(form, *(region("CFC", BASE & ~0xFFFF | n << 24, n) for n in (11, 12, 14)))
    for name in ("region", "region 1", "region 2"):
        plan.block(name).codec = "zstd"
    return plan


@valid("pagesize")
def last_address(form: Form) -> Plan:
    """A region that ends with the last address there is."""
    return with_regions(form, region("FC", (1 << 64) - 2 * KIB))


@valid("many-pages")
def map_of_many(form: Form) -> Plan:
    """A map of 4,000 pages in runs of all lengths up to 88, of which one page is captured."""
    runs = (letter * length for length, letter in enumerate(islice(cycle("FU"), 91)))
    return with_regions(form, region("".join(("C", *runs))[:4000]))


@valid("failed", "many-pages", "pagesize", "zst")
def region_of_1_eib(form: Form) -> Plan:
    """A region of 1 EiB, 1,048,576 pages of 1 TiB that failed, in a few hundred bytes."""
    span = region("", 1 << 62, 40, size=1 << 60)
    plan = with_regions(form, span | {"page_state_map": [[0, 1 << 20, "failed"]]})
    plan.block("region").codec = "zstd"
    return plan


@valid("failed", "many-pages", "unmapped", "zst", forms=before("draft-2026-10", "little"))
def map_alternating(form: Form) -> Plan:
    """A map of 16,384 pages, no two neighbours alike: as many runs as there are pages."""
    plan = with_regions(form, region("FU" * 8192))
    plan.block("region").codec = "zstd"
    return plan
