/* A dump walked through schema/msl.h, in a mapping of it: walk DUMP headers|full */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "msl.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The most memory that this process has occupied so far, in KiB. */
static long peak(void)
{
    char line[256];
    long found = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmHWM: %ld", &found) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return found;
}

int main(int count, char **arguments)
{
    double begin = now(), seconds;
    uint64_t number = 0, pages = 0, size = 0, total = 0;
    struct stat about;
    msl_file file;
    msl_blocks blocks;
    msl_block block;
    void *data;
    int full, descriptor;

    if (count != 3 || (descriptor = open(arguments[1], O_RDONLY)) < 0)
        return 2;
    if (fstat(descriptor, &about) != 0)
        return 2;
    full = strcmp(arguments[2], "full") == 0;
    data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED || msl_open(data, (size_t)about.st_size, &file) != MSL_OK)
        return 3;
    blocks = msl_blocks_of(&file);
    while (msl_next_block(&blocks, &block) == MSL_OK) {
        msl_memory_region_view region;
        size_t at;
        number++;
        size += block.length;
        if (!full || block.type != MSL_BLOCK_TYPE_MEMORY_REGION)
            continue;
        if (msl_read_memory_region(&block, &region) != MSL_OK)
            return 4;
        pages += msl_pages_in_state(&region.page_state_map, MSL_PAGE_STATE_CAPTURED);
        for (at = 0; at < region.page_data.length; at += (size_t)1 << region.page_state_map.page_size_log2)
            total += region.page_data.data[at];
    }
    seconds = now() - begin;
    printf("[%f,%ld,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]\n", seconds, peak(), number,
           size, pages, total);
    return 0;
}
