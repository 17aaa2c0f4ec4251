/* A great deal of address space and next to no memory.
 *
 *   e2e_untouched KIND MIB
 *
 * KIND: private (read and write), reserved (no access), shared (anonymous), memfd (a hole).
 * Of a private one, three pages in the middle are written: 0x11, 0x22 and 0x33 throughout.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    size_t size = strtoull(argv[2], NULL, 0) << 20;
    int protection = PROT_READ | PROT_WRITE, flags = MAP_ANONYMOUS | MAP_NORESERVE, file = -1;
    if (!strcmp(argv[1], "reserved"))
        protection = PROT_NONE;
    if (!strcmp(argv[1], "memfd")) {
        file = memfd_create("hole", 0);
        if (file < 0 || ftruncate(file, (off_t)size)) {
            perror("memfd");
            return 1;
        }
        flags = 0;
    }
    flags |= !strcmp(argv[1], "shared") || file >= 0 ? MAP_SHARED : MAP_PRIVATE;
    char *got = mmap(NULL, size, protection, flags, file, 0);
    if (got == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    if (!strcmp(argv[1], "private")) {
        madvise(got, size, MADV_NOHUGEPAGE); /* else three pages are 2 MiB */
        for (int i = 0; i < 3; i++)
            memset(got + size / 2 + 4096 * i, 0x11 * (i + 1), 4096);
    }
    printf("space %#lx\nready\n", (unsigned long)got);
    fflush(stdout);
    for (;;)
        pause();
}
