/* Checks the page arithmetic of msl.h against one page at a time, and at its limits. */
#include <stdio.h>
#include <stdlib.h>

#include "msl.h"

#define CHECK(condition)                                            \
    do {                                                            \
        if (!(condition)) {                                         \
            printf("line %d: %s\n", __LINE__, #condition);          \
            exit(1);                                                \
        }                                                           \
    } while (0)

enum { BYTES = 41, PAGES = 4 * BYTES, LOG2 = 10 };

static unsigned state_of(const uint8_t *bytes, unsigned page)
{
    static const unsigned shifts[] = {6, 4, 2, 0};

    return (unsigned)bytes[page / 4] >> shifts[page % 4] & 3;
}

static void check_map(const uint8_t *bytes, uint64_t pages)
{
    msl_page_map map;
    msl_page_run run = {0, 0, 0};
    uint64_t seen[4] = {0, 0, 0, 0};
    uint64_t next = 0;
    unsigned page;
    unsigned state;

    map.states = bytes;
    map.pages = pages;
    map.page_size_log2 = LOG2;
    for (page = 0; page < pages; page++) {
        uint64_t offset;
        enum msl_status status = msl_page_offset(&map, page, &offset);

        for (state = 0; state < 4; state++) {
            uint64_t before;
            CHECK(msl_pages_before(&map, page, state, &before) == MSL_OK);
            CHECK(before == seen[state]);
        }
        CHECK(msl_page_state_of(&map, page, &state) == MSL_OK);
        CHECK(state == state_of(bytes, page));
        CHECK((status == MSL_OK) == (state == 0));
        CHECK(status == MSL_OK ? offset == seen[0] << LOG2 : status == MSL_ERROR_PAGE_STATE);
        seen[state]++;
    }
    for (state = 0; state < 4; state++) {
        CHECK(msl_pages_in_state(&map, state) == seen[state]);
    }
    CHECK(msl_page_state_of(&map, pages, &state) == MSL_ERROR_PAGE_NUMBER);
    CHECK(msl_page_state_of(&map, UINT64_MAX, &state) == MSL_ERROR_PAGE_NUMBER);
    while (msl_next_page_run(&map, &run) == MSL_OK) {
        CHECK(run.first == next && run.count > 0);
        CHECK(next == 0 || state_of(bytes, (unsigned)next - 1) != run.state);
        for (page = 0; page < run.count; page++) {
            CHECK(state_of(bytes, (unsigned)next + page) == run.state);
        }
        next += run.count;
    }
    CHECK(next == pages);
}

static void check_limits(void)
{
    static const uint8_t nothing[8] = {0};
    msl_page_map map;
    msl_span input;
    msl_span page;
    msl_span data;
    uint64_t number;

    CHECK(msl_pad8(0) == 0 && msl_pad8(1) == 8 && msl_pad8(8) == 8 && msl_pad8(9) == 16);
    CHECK(msl_pad8(UINT32_MAX) == UINT64_C(0x100000000));
    CHECK(msl_pad8(UINT64_MAX) == UINT64_MAX && msl_pad8(UINT64_MAX - 6) == UINT64_MAX);
    CHECK(msl_page_map_size(0) == 0 && msl_page_map_size(1) == 8 && msl_page_map_size(32) == 8);
    CHECK(msl_page_map_size(33) == 16);
    CHECK(msl_page_map_size(UINT64_MAX) == UINT64_C(0x4000000000000000));

    input.data = nothing;
    input.length = sizeof nothing;
    CHECK(msl_take_page_map(&input, UINT64_MAX, 10, 10, 40, &map) == MSL_ERROR_TRUNCATED);
    CHECK(msl_take_page_map(&input, 4096, 9, 10, 40, &map) == MSL_ERROR_PAGE_SIZE);
    CHECK(msl_take_page_map(&input, 4096, 41, 10, 40, &map) == MSL_ERROR_PAGE_SIZE);
    CHECK(input.length == sizeof nothing);
    CHECK(msl_take_page_map(&input, UINT64_C(32) << 40, 40, 10, 40, &map) == MSL_OK);
    CHECK(map.pages == 32 && input.length == 0);

    /* Page 31 begins 31 TiB behind the data's first byte: there is no such data. */
    data.data = nothing;
    data.length = sizeof nothing;
    CHECK(msl_page_bytes(&map, data, 31, &page) == MSL_ERROR_TRUNCATED && page.data == NULL);
    CHECK(msl_page_bytes(&map, data, 0, &page) == MSL_ERROR_TRUNCATED);
    CHECK(msl_page_bytes(&map, data, 32, &page) == MSL_ERROR_PAGE_NUMBER);

    CHECK(msl_page_at(&map, UINT64_MAX - 5, UINT64_MAX, &number) == MSL_OK && number == 0);
    CHECK(msl_page_at(&map, 4096, 4095, &number) == MSL_ERROR_PAGE_NUMBER);
    CHECK(msl_page_at(&map, 4096, 4096 + (UINT64_C(1) << 40), &number) == MSL_OK && number == 1);
    CHECK(msl_page_at(&map, 0, UINT64_C(32) << 40, &number) == MSL_ERROR_PAGE_NUMBER);
}

static void check_numbers(void)
{
    /* At an odd address, as most fields of a mapped file may be. */
    static const uint8_t bytes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    msl_u16 u16;
    msl_u32 u32;
    msl_u64 u64;
    msl_span span;
    uint64_t number;

    memcpy(&u16, bytes + 1, sizeof u16);
    memcpy(&u32, bytes + 1, sizeof u32);
    memcpy(&u64, bytes + 1, sizeof u64);
    CHECK(msl_get_u16(u16, MSL_ENDIANNESS_LITTLE) == 0x0201);
    CHECK(msl_get_u16(u16, MSL_ENDIANNESS_BIG) == 0x0102);
    CHECK(msl_get_u32(u32, MSL_ENDIANNESS_LITTLE) == 0x04030201);
    CHECK(msl_get_u32(u32, MSL_ENDIANNESS_BIG) == 0x01020304);
    CHECK(msl_get_u64(u64, MSL_ENDIANNESS_LITTLE) == UINT64_C(0x0807060504030201));
    CHECK(msl_get_u64(u64, MSL_ENDIANNESS_BIG) == UINT64_C(0x0102030405060708));
    span.data = bytes + 1;
    span.length = 3;
    CHECK(msl_span_number(span, MSL_ENDIANNESS_BIG, &number) == MSL_OK && number == 0x010203);
    span.length = 9;
    CHECK(msl_span_number(span, MSL_ENDIANNESS_BIG, &number) == MSL_ERROR_WIDTH);
    CHECK(msl_all_zero(bytes, 1) && !msl_all_zero(bytes, 2) && msl_all_zero(NULL, 0));
}

int main(void)
{
    uint8_t bytes[BYTES];
    unsigned seed = 1;
    unsigned turn;
    size_t index;

    for (turn = 0; turn < 200; turn++) {
        for (index = 0; index < sizeof bytes; index++) {
            seed = seed * 1103515245u + 12345u;
            /* Every second map has long runs. */
            bytes[index] = (uint8_t)(turn % 2 ? (seed >> 16 & 1) * 0xff : seed >> 16);
        }
        check_map(bytes, turn % (PAGES + 1));
    }
    check_map(bytes, PAGES);
    check_limits();
    check_numbers();
    printf("fine\n");
    return 0;
}
