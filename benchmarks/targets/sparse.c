/* sparse GIB COUNT [HEARTBEAT]
 *
 * One mapping of so many GiB, of which so many stretches of 64 KiB, evenly spread, are written to.
 */
#include "target.h"

int main(int count, char **values)
{
    size_t size = argument(count, values, 1) << 30, stretch = 16 * PAGE;
    unsigned long stretches = argument(count, values, 2);
    char *memory = map_memory(size);
    for (unsigned long number = 0; number < stretches; number++) {
        uint64_t *start = (uint64_t *)(memory + (size / stretches * number & -PAGE));
        for (size_t word = 0; word < stretch / sizeof *start; word++)
            start[word] = random_word();
    }
    serve(argument(count, values, 3) != 0);
}
