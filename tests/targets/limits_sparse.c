/* Touches one page in each of so many stretches of 2 MiB, so that each takes a page table of its own,
 * says "ready", then answers lines. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STRETCH ((size_t)2 << 20)

int main(int count, char **arguments)
{
    size_t stretches = count > 1 ? strtoul(arguments[1], NULL, 0) : 1;
    char line[64];
    char *at = mmap(NULL, stretches * STRETCH, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED || madvise(at, stretches * STRETCH, MADV_NOHUGEPAGE))
        return 1;
    for (size_t i = 0; i < stretches; i++)
        at[i * STRETCH] = 1;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        puts("alive");
        fflush(stdout);
    }
    return 0;
}
