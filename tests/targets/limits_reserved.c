/* Reserves so many GiB that it may write to and never touches, says where and "ready", then answers lines. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int count, char **arguments)
{
    size_t size = (size_t)(count > 1 ? atoi(arguments[1]) : 1) << 30;
    char line[64];
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return 1;
    printf("at %p\nready\n", at);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        puts("alive");
        fflush(stdout);
    }
    return 0;
}
