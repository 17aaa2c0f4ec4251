"""Page states in C: what is known of a page, and where its bytes are."""

from __future__ import annotations

from ...page_map import PAGES_PER_BYTE

__all__ = ["PAGES", "PAGE_FACTS"]

_BITS = 8 // PAGES_PER_BYTE
_ALL_PAIRS = (1 << _BITS) - 1

PAGE_FACTS = {
    "per_byte": str(PAGES_PER_BYTE),
    "bits": str(_BITS),
    "mask": str(_ALL_PAIRS),
    "uniform": f"{sum(1 << _BITS * page for page in range(PAGES_PER_BYTE)):#04x}",
}

PAGES = """\
/* Pages whose states stand in one byte, the first one in the most significant bits. */
#define MSL_PAGES_PER_BYTE $per_byte
#define MSL_PAGE_STATE_BITS $bits

/* The states of a region's pages; `states` holds enough bytes for all of them. */
typedef struct msl_page_map {
    const uint8_t *states;
    uint64_t pages;
    unsigned page_size_log2;
} msl_page_map;

/* Pages that stand side by side and share a state. */
typedef struct msl_page_run {
    uint64_t first;
    uint64_t count;
    unsigned state;
} msl_page_run;

/* Bytes that the states of so many pages occupy, padding included. */
static inline uint64_t msl_page_map_size(uint64_t pages)
{
    return msl_pad8(pages / MSL_PAGES_PER_BYTE + (pages % MSL_PAGES_PER_BYTE != 0));
}

/* The map of a region of `size` bytes, from the front of the input. */
static inline enum msl_status msl_take_page_map(
    msl_span *input, uint64_t size, unsigned log2, unsigned low, unsigned high, msl_page_map *out)
{
    msl_span stored;

    if (log2 < low || log2 > high) {
        return MSL_ERROR_PAGE_SIZE;
    }
    if (!msl_span_take(input, msl_page_map_size(size >> log2), &stored)) {
        return MSL_ERROR_TRUNCATED;
    }
    out->states = stored.data;
    out->pages = size >> log2;
    out->page_size_log2 = log2;
    return MSL_OK;
}

/* Bytes of a page. */
static inline uint64_t msl_page_size(const msl_page_map *map)
{
    return MSL_CAST(uint64_t, 1) << map->page_size_log2;
}

/* The state of a page that the map has. */
static inline unsigned msl_page_state_unchecked(const msl_page_map *map, uint64_t page)
{
    unsigned behind =
        MSL_PAGES_PER_BYTE - 1 - MSL_CAST(unsigned, page % MSL_PAGES_PER_BYTE);

    return MSL_CAST(unsigned, map->states[page / MSL_PAGES_PER_BYTE])
        >> (behind * MSL_PAGE_STATE_BITS) & ${mask}u;
}

/* The state of a page: MSL_PAGE_STATE_*. */
static inline enum msl_status msl_page_state_of(
    const msl_page_map *map, uint64_t page, unsigned *out)
{
    *out = 0;
    if (page >= map->pages) {
        return MSL_ERROR_PAGE_NUMBER;
    }
    *out = msl_page_state_unchecked(map, page);
    return MSL_OK;
}

/* How many of the pages before `page` are in a state. */
static inline enum msl_status msl_pages_before(
    const msl_page_map *map, uint64_t page, unsigned state, uint64_t *out)
{
    uint64_t index = 0;
    uint64_t count = 0;

    *out = 0;
    if (page > map->pages) {
        return MSL_ERROR_PAGE_NUMBER;
    }
    if (state > ${mask}u) {
        return MSL_OK; /* none are in a state that there is not */
    }
    /* Thirty-two at a time: a state is there where its bits differ from none of the pattern's. */
    MSL_STATIC_ASSERT(MSL_PAGES_PER_BYTE == 4, "pages are counted by pairs of bits");
    for (; page - index >= 8 * MSL_PAGES_PER_BYTE; index += 8 * MSL_PAGES_PER_BYTE) {
        const uint64_t pairs = UINT64_C(0x5555555555555555);
        uint64_t word;

        memcpy(&word, map->states + index / MSL_PAGES_PER_BYTE, sizeof word);
        word ^= pairs * state;
        word = ~(word | word >> 1) & pairs;
        word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
        word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
        count += (word * UINT64_C(0x0101010101010101)) >> 56;
    }
    for (; index < page; index++) {
        count += msl_page_state_unchecked(map, index) == state;
    }
    *out = count;
    return MSL_OK;
}

/* How many pages are in a state. */
static inline uint64_t msl_pages_in_state(const msl_page_map *map, unsigned state)
{
    uint64_t count = 0;

    (void)msl_pages_before(map, map->pages, state, &count);
    return count;
}

/* The run of pages that begins with run->first + run->count; begin with a run of zeros. */
static inline enum msl_status msl_next_page_run(const msl_page_map *map, msl_page_run *run)
{
    uint64_t page;

    if (run->first > map->pages || run->count >= map->pages - run->first) {
        return MSL_END;
    }
    run->first += run->count;
    run->state = msl_page_state_unchecked(map, run->first);
    page = run->first + 1;
    while (page < map->pages) {
        if (page % MSL_PAGES_PER_BYTE == 0 && map->pages - page >= MSL_PAGES_PER_BYTE
            && map->states[page / MSL_PAGES_PER_BYTE] == run->state * ${uniform}u) {
            page += MSL_PAGES_PER_BYTE;
        } else if (msl_page_state_unchecked(map, page) == run->state) {
            page++;
        } else {
            break;
        }
    }
    run->count = page - run->first;
    return MSL_OK;
}

/* Where in the page data a captured page begins. */
static inline enum msl_status msl_page_offset(
    const msl_page_map *map, uint64_t page, uint64_t *out)
{
    unsigned state;
    enum msl_status status = msl_page_state_of(map, page, &state);

    *out = 0;
    if (status != MSL_OK) {
        return status;
    }
    if (state != $captured) {
        return MSL_ERROR_PAGE_STATE;
    }
    (void)msl_pages_before(map, page, $captured, out);
    if (*out > UINT64_MAX >> map->page_size_log2) {
        *out = 0;
        return MSL_ERROR_TRUNCATED; /* no page data is as long as that */
    }
    *out <<= map->page_size_log2;
    return MSL_OK;
}

/* The bytes of a captured page; MSL_ERROR_TRUNCATED where the page data ends before its end. */
static inline enum msl_status msl_page_bytes(
    const msl_page_map *map, msl_span page_data, uint64_t page, msl_span *out)
{
    uint64_t offset;
    enum msl_status status = msl_page_offset(map, page, &offset);

    out->data = NULL;
    out->length = 0;
    if (status != MSL_OK) {
        return status;
    }
    if (offset > page_data.length || msl_page_size(map) > page_data.length - offset) {
        return MSL_ERROR_TRUNCATED;
    }
    out->data = page_data.data + MSL_CAST(size_t, offset);
    out->length = MSL_CAST(size_t, msl_page_size(map));
    return MSL_OK;
}

/* Number of the page that holds an address of a region that begins at `base`. */
static inline enum msl_status msl_page_at(
    const msl_page_map *map, uint64_t base, uint64_t address, uint64_t *out)
{
    *out = 0;
    if (address < base || (address - base) >> map->page_size_log2 >= map->pages) {
        return MSL_ERROR_PAGE_NUMBER;
    }
    *out = (address - base) >> map->page_size_log2;
    return MSL_OK;
}
"""
