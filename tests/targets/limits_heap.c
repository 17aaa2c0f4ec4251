/* Touches so many MiB, says "ready", then counts on in memory and answers each line with its counter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments)
{
    size_t size = (size_t)(count > 1 ? atoi(arguments[1]) : 1) << 20;
    unsigned char *heap = malloc(size);
    unsigned seed = 1;
    char line[64];
    unsigned long counter = 0;

    if (!heap)
        return 1;
    for (size_t i = 0; i + 4 <= size; i += 4) {
        seed = seed * 1103515245 + 12345;
        unsigned value = (seed >> 16) % 1000;
        memcpy(heap + i, &value, 4);
    }
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        printf("%lu %d\n", ++counter, heap[size / 2]);
        fflush(stdout);
    }
    return 0;
}
