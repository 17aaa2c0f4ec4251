/* Lists the regions and the modules of Memory Slice files, without copying a byte of them.
 *
 *     cc -std=c11 -Ischema -o walk tests/c/walk.c && ./walk dump.msl
 *
 * Prints one line for each region, module and end of blocks. The exit code is 1 if a file could
 * not be opened, or if it goes on behind its last block. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msl.h"

static void print_region(const msl_block *block)
{
    msl_memory_region_view region;
    enum msl_status status = msl_read_memory_region(block, &region);
    unsigned state;

    if (status != MSL_OK) {
        printf("region at %zu: %s\n", block->offset, msl_status_text(status));
        return;
    }
    printf("region 0x%" PRIx64 " size %" PRIu64 " %c%c%c pages %" PRIu64,
           msl_get_u64(region.head->base_addr, block->order),
           msl_get_u64(region.head->region_size, block->order),
           region.head->protection & MSL_PROTECTION_READ ? 'r' : '-',
           region.head->protection & MSL_PROTECTION_WRITE ? 'w' : '-',
           region.head->protection & MSL_PROTECTION_EXECUTE ? 'x' : '-',
           region.page_state_map.pages);
    for (state = 0; msl_page_state_name(state) != NULL; state++) {
        uint64_t count = msl_pages_in_state(&region.page_state_map, state);
        printf(" %s %" PRIu64, msl_page_state_name(state), count);
    }
    printf(" bytes %zu\n", region.page_data.length);
}

static void print_module(const msl_block *block)
{
    msl_module_entry_view module;
    enum msl_status status = msl_read_module_entry(block, &module);

    if (status != MSL_OK) {
        printf("module at %zu: %s\n", block->offset, msl_status_text(status));
        return;
    }
    printf("module 0x%" PRIx64 " size %" PRIu64 " path ",
           msl_get_u64(module.head->base_addr, block->order),
           msl_get_u64(module.head->module_size, block->order));
    if (module.path.data != NULL) {
        fwrite(module.path.data, 1, module.path.length, stdout);
    }
    putchar('\n');
}

static int walk(const char *name, const void *data, size_t size)
{
    msl_file file;
    msl_blocks blocks;
    msl_block block;
    enum msl_status status = msl_open(data, size, &file);

    if (status != MSL_OK) {
        fprintf(stderr, "%s: %s\n", name, msl_status_text(status));
        return 1;
    }
    printf("file %s\n", name);
    blocks = msl_blocks_of(&file);
    while ((status = msl_next_block(&blocks, &block)) == MSL_OK) {
        if (block.type == MSL_BLOCK_TYPE_MEMORY_REGION) {
            print_region(&block);
        } else if (block.type == MSL_BLOCK_TYPE_MODULE_ENTRY) {
            print_module(&block);
        }
    }
    printf("end at %zu: %s\n", blocks.offset, msl_status_text(status));
    return status != MSL_END;
}

static int map_and_walk(const char *name)
{
    struct stat about;
    void *data;
    int failed = 1;
    int descriptor = open(name, O_RDONLY);

    if (descriptor < 0 || fstat(descriptor, &about) != 0) {
        perror(name);
    } else if (about.st_size == 0) {
        fprintf(stderr, "%s: empty\n", name); /* no bytes can't be mapped */
    } else {
        data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (data == MAP_FAILED) {
            perror(name);
        } else {
            failed = walk(name, data, (size_t)about.st_size);
            munmap(data, (size_t)about.st_size);
        }
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return failed;
}

int main(int count, char **names)
{
    int failed = 0;
    int index;

    for (index = 1; index < count; index++) {
        failed |= map_and_walk(names[index]);
    }
    return failed;
}
