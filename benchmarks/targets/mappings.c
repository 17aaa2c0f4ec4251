/* mappings COUNT [HEARTBEAT]
 *
 * So many mappings of one page, as a program with very many libraries has them: of files (this
 * program stands for them), read-only, as code and to be written, and anonymous ones.
 */
#include "target.h"
#include <fcntl.h>

int main(int count, char **values)
{
    static const int protections[] = {PROT_READ, PROT_READ | PROT_EXEC, PROT_READ,
                                      PROT_READ | PROT_WRITE};
    unsigned long mappings = argument(count, values, 1);
    char *memory = map_memory(mappings * PAGE);
    int file = open("/proc/self/exe", O_RDONLY);
    if (file < 0)
        fail("open");
    for (unsigned long number = 0; number < mappings; number++) {
        int kind = number % 5, anonymous = kind == 4;
        int protection = anonymous ? PROT_READ | PROT_WRITE : protections[kind];
        int flags = MAP_PRIVATE | MAP_FIXED | (anonymous ? MAP_ANONYMOUS : 0);
        if (mmap(memory + number * PAGE, PAGE, protection, flags, anonymous ? -1 : file, 0) ==
            MAP_FAILED)
            fail("mmap");
    }
    serve(argument(count, values, 2) != 0);
}
