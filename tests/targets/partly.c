/* Mappings that are there, are not, or are in part. Says "NAME START" for each, then "ready".
 * What is written is 0x11 throughout. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long page;

static void make(const char *name, long pages, long written, int protection, int flags)
{
    char *base = mmap(NULL, (pages + 2) * page, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    base = mmap(base + page, pages * page, PROT_READ | PROT_WRITE,
                flags | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    madvise(base, pages * page, MADV_NOHUGEPAGE);
    memset(base, 0x11, written * page);
    mprotect(base, pages * page, protection);
    printf("%s %#lx\n", name, (unsigned long)base);
}

int main(void)
{
    page = sysconf(_SC_PAGESIZE);
    int both = PROT_READ | PROT_WRITE;
    make("whole", 16, 16, both, MAP_PRIVATE);
    make("part", 64, 4, both, MAP_PRIVATE);
    make("nothing", 1 << 18, 0, both, MAP_PRIVATE);
    make("sparse", 1 << 18, 4, both, MAP_PRIVATE);
    make("reserved", 1 << 18, 0, PROT_NONE, MAP_PRIVATE);
    make("shut", 16, 16, PROT_NONE, MAP_PRIVATE);
    make("shared", 1 << 12, 4, both, MAP_SHARED);
    make("shared_whole", 16, 16, both, MAP_SHARED);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
