/* Prints a page's state, and its bytes if it was captured: read_page DUMP ADDRESS */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "msl.h"

static int print_page(const msl_memory_region_view *region, uint64_t page)
{
    msl_span bytes;
    unsigned state = 0;
    enum msl_status status = msl_page_state_of(&region->page_state_map, page, &state);

    puts(msl_page_state_name(state));
    if (status == MSL_OK && state == MSL_PAGE_STATE_CAPTURED) {
        status = msl_page_bytes(&region->page_state_map, region->page_data, page, &bytes);
        for (size_t at = 0; at < bytes.length; at++) {
            printf("%02x", bytes.data[at]);
        }
        puts("");
    }
    if (status != MSL_OK) {
        fprintf(stderr, "%s\n", msl_status_text(status));
    }
    return status != MSL_OK;
}

int main(int count, char **arguments)
{
    struct stat about;
    int descriptor = count == 3 ? open(arguments[1], O_RDONLY) : -1;
    if (descriptor < 0 || fstat(descriptor, &about) != 0) {
        return 1;
    }
    size_t size = (size_t)about.st_size;
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    msl_file file;
    if (data == MAP_FAILED || msl_open(data, size, &file) != MSL_OK) {
        return 1;
    }
    uint64_t page, address = strtoull(arguments[2], NULL, 0);
    msl_block block;
    for (msl_blocks blocks = msl_blocks_of(&file); msl_next_block(&blocks, &block) == MSL_OK;) {
        if (block.type == MSL_BLOCK_TYPE_END_OF_CAPTURE) {
            break; /* what stands behind it anybody can have appended */
        }
        msl_memory_region_view region; /* reading another block, or a compressed one, is no MSL_OK */
        if (msl_read_memory_region(&block, &region) == MSL_OK) {
            uint64_t base = msl_get_u64(region.head->base_addr, block.order);
            if (msl_page_at(&region.page_state_map, base, address, &page) == MSL_OK) {
                return print_page(&region, page);
            }
        }
    }
    fputs("no region that can be read holds this address\n", stderr);
    return 1;
}
