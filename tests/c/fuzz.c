/* A target for libFuzzer: everything that msl.h reads, over any bytes.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -Ischema -o fuzz tests/c/fuzz.c
 *     ./fuzz -max_len=65536 FOLDER samples/valid samples/invalid */
#include <stddef.h>
#include <stdint.h>

#include "msl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    blocks = msl_blocks_of(&file);
    while (msl_next_block(&blocks, &block) == MSL_OK) {
        msl_memory_region_view region;
        msl_module_entry_view module;
        msl_module_list_index_view index;
        msl_compressed_payload_view compressed;
        msl_page_run run = {0, 0, 0};
        unsigned most = 1000; /* of runs: a page map may have as many as it has pages */

        if (msl_read_memory_region(&block, &region) == MSL_OK) {
            address = msl_get_u64(region.head->base_addr, block.order);
            (void)msl_pages_in_state(&region.page_state_map, 0);
            while (most-- != 0 && msl_next_page_run(&region.page_state_map, &run) == MSL_OK) {
            }
        }
        (void)msl_read_module_entry(&block, &module);
        (void)msl_read_module_list_index(&block, &index);
        (void)msl_read_compressed_payload(&block, &compressed);
    }
    if (msl_read_page(&file, address, &page) == MSL_OK && page.bytes.length != 0) {
        volatile uint8_t last = page.bytes.data[page.bytes.length - 1];

        (void)last;
    }
    return 0;
}
