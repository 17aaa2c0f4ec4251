/* regions COUNT [HEARTBEAT]
 *
 * So many mappings of 8 KiB, all written to, with an unmapped page behind each: the kernel would
 * make one of them where they touch.
 */
#include "target.h"

int main(int count, char **values)
{
    const size_t size = 2 * PAGE, step = size + PAGE;
    unsigned long regions = argument(count, values, 1);
    char *memory = map_memory(regions * step);
    for (unsigned long region = 0; region < regions; region++) {
        uint64_t *start = (uint64_t *)(memory + region * step);
        for (size_t word = 0; word < size / sizeof *start; word++)
            start[word] = random_word();
        if (munmap(memory + region * step + size, PAGE) != 0)
            fail("munmap");
    }
    serve(argument(count, values, 2) != 0);
}
