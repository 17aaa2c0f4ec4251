/* How the test program prints what it reads through msl.h: pieces of JSON. */
#ifndef PRINTING_H
#define PRINTING_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "msl.h"

static volatile unsigned touched;

static void print_hex(const uint8_t *bytes, size_t count)
{
    size_t index;

    for (index = 0; index < count; index++) {
        printf("%02x", bytes[index]);
    }
}

static void print_bytes(const uint8_t *bytes, size_t count)
{
    putchar('"');
    print_hex(bytes, count);
    putchar('"');
}

static void print_uuid(const uint8_t *bytes)
{
    size_t index;

    putchar('"');
    for (index = 0; index < 16; index++) {
        printf("%s%02x", index == 4 || index == 6 || index == 8 || index == 10 ? "-" : "",
               bytes[index]);
    }
    putchar('"');
}

static void print_name(const char *name, uint64_t value, int width)
{
    if (name != NULL) {
        printf("\"%s\"", name);
    } else {
        printf("\"0x%0*" PRIx64 "\"", 2 * width, value);
    }
}

static void print_text(msl_text text, int padded)
{
    if (text.data == NULL) {
        printf("null");
        return;
    }
    printf("{\"text length\": %zu, \"stored length\": %zu, \"stored\": ", text.length,
           text.stored.length);
    print_bytes(text.stored.data,
                padded ? (size_t)msl_pad8(text.stored.length) : text.stored.length);
    putchar('}');
}

static void print_padded(msl_span span, const char *kind)
{
    printf("{\"%s\": %zu, \"stored\": ", kind, span.length);
    print_bytes(span.data, span.data == NULL ? 0 : (size_t)msl_pad8(span.length));
    putchar('}');
}

/* Every byte is touched, so that a sanitizer sees a span that reaches too far. */
static void touch(msl_span span)
{
    size_t index;

    for (index = 0; index < span.length; index++) {
        touched += span.data[index];
    }
}

static void print_rest(msl_span rest, const uint8_t *base)
{
    touch(rest);
    if (rest.length > 256) {
        printf("{\"offset\": \"%#zx\", \"length\": %zu}", (size_t)(rest.data - base), rest.length);
    } else {
        print_bytes(rest.data, rest.length);
    }
}

static void print_extent(msl_span span, const uint8_t *base)
{
    touch(span);
    printf("{\"offset\": \"%#zx\", \"length\": %zu}", (size_t)(span.data - base), span.length);
}

static void print_page_map(const msl_page_map *map)
{
    msl_page_run run = {0, 0, 0};
    const char *comma = "";

    printf("{\"pages\": %" PRIu64 ", \"stored\": ", map->pages);
    print_bytes(map->states, (size_t)msl_page_map_size(map->pages));
    printf(", \"runs\": [");
    while (msl_next_page_run(map, &run) == MSL_OK) {
        printf("%s[%" PRIu64 ", %" PRIu64 ", \"%s\"]", comma, run.first, run.count,
               msl_page_state_name(run.state));
        comma = ", ";
    }
    printf("]}");
}

/* Asks for every page, and for some that are not there. */
static void print_pages(const msl_page_map *map, msl_span data)
{
    uint64_t limit = map->pages < 4096 ? map->pages : 4096;
    uint64_t numbers[4];
    uint64_t page;
    unsigned index;
    msl_span bytes;
    size_t found = 0;

    numbers[0] = map->pages;
    numbers[1] = map->pages - 1;
    numbers[2] = UINT64_MAX;
    numbers[3] = UINT64_MAX / 2;
    for (index = 0; index < 4; index++) {
        if (msl_page_bytes(map, data, numbers[index], &bytes) == MSL_OK) {
            touch(bytes);
        }
    }
    for (page = 0; page < limit; page++) {
        if (msl_page_bytes(map, data, page, &bytes) == MSL_OK) {
            touched += bytes.data[0];
            touched += bytes.data[bytes.length - 1];
            found++;
        }
    }
    printf("%zu", found);
}

#endif
