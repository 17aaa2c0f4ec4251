/* A target for libFuzzer: everything that msl.h reads, over any bytes.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -Ischema -o fuzz tests/c/fuzz.c
 *     ./fuzz -max_len=65536 FOLDER samples/valid samples/invalid */
#include <stddef.h>
#include <stdint.h>

#include "msl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t seen;

/* Reads the ends of what a view points at, so that a sanitizer sees a step outside. */
static void touch(msl_span span)
{
    if (span.length != 0) {
        seen = span.data[0];
        seen = span.data[span.length - 1];
    }
}

/* A payload, and what of it is asked for besides. */
#define READ(key, ...) \
    { \
        msl_##key##_view view; \
        enum msl_status read = msl_read_##key(&block, &view); \
        touch(view.rest); \
        if (read == MSL_OK) { \
            __VA_ARGS__ \
        } \
    }
/* The rows of a table of its, and what of each. */
#define ROWS(member, row, ...) \
    { \
        msl_##row##_view one; \
        while (msl_next_##row(&view.member, &one) == MSL_OK) { \
            touch(one.rest); \
            __VA_ARGS__ \
        } \
        touch(view.member.input); \
    }
/* What stands inside of a row, as each layout that it may have. */
#define BODY(key) \
    { \
        msl_##key##_view inner; \
        (void)msl_decode_##key(one.body, block.order, &inner); \
        touch(inner.rest); \
    }

static void read_block(msl_block block, uint64_t *address)
{
    unsigned most = 1000; /* of runs: a page map may have as many as it has pages */

    READ(memory_region, {
        msl_page_run run = {0, 0, 0};
        msl_span page;

        *address = msl_get_u64(view.head->base_addr, block.order);
        (void)msl_pages_in_state(&view.page_state_map, 0);
        while (most-- != 0 && msl_next_page_run(&view.page_state_map, &run) == MSL_OK) {
            (void)msl_page_bytes(&view.page_state_map, view.page_data, run.first, &page);
            touch(page);
        }
    })
    READ(module_entry, touch(view.path.stored); touch(view.version.stored); touch(view.native_blob);)
    READ(module_list_index, ROWS(entries, module_list_entry, touch(one.path.stored);))
    READ(thread_context, ROWS(registers, register, {
        uint64_t number;

        (void)msl_span_number(one.value, block.order, &number);
        touch(one.name.stored);
        touch(one.value);
    }))
    READ(key_hint, touch(view.note.stored);)
    READ(import_provenance, touch(view.tool_name.stored); touch(view.note.stored);)
    READ(process_identity, touch(view.exe_path.stored); touch(view.cmd_line.stored);)
    READ(related_dump, )
    READ(system_context, touch(view.hostname.stored); touch(view.case_ref.stored);)
    READ(process_table, ROWS(entries, process_entry, touch(one.cmd.stored); touch(one.user.stored);))
    READ(connection_table, ROWS(entries, connection_entry, ))
    READ(handle_table, ROWS(entries, handle_entry, touch(one.path.stored);))
    READ(connectivity_table, ROWS(rows, connectivity_row,
        BODY(ipv4_route) BODY(ipv6_route) BODY(arp_entry) BODY(packet_socket)
        BODY(interface_counters) BODY(socket_family) BODY(mib_counter)))
    READ(physical_memory_map, ROWS(entries, physical_range, ))
    READ(module_build_id_manifest, ROWS(entries, build_id_entry, ))
    READ(region_omission_manifest, ROWS(entries, omitted_region, ))
    READ(end_of_extension, )
    READ(end_of_capture, )
    READ(vas_map, ROWS(entries, vas_map_entry, ))
    READ(compressed_payload, touch(view.stream);)
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t address = size;
    msl_blocks blocks;
    msl_block block;
    msl_file file;
    msl_page page;

    if (msl_open(data, size, &file) != MSL_OK) {
        return 0;
    }
    touch(file.extension);
    blocks = msl_blocks_of(&file);
    while (msl_next_block(&blocks, &block) == MSL_OK) {
        read_block(block, &address);
    }
    if (msl_read_page(&file, address, &page) == MSL_OK) {
        touch(page.bytes);
    }
    return 0;
}
