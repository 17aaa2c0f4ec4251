/* Maps, fills, protects and unmaps without pause, next to pages that stay.
 *
 *   e2e_churn THREADS [move]
 *
 * Each thread owns an arena of ARENA pages. Its first and last STABLE pages are mapped and
 * filled for good; in between it maps up to 64 pages at a random place, fills some, and
 * unmaps them all. Each 8 bytes of a filled page are their own address XOR MAGIC, written
 * in ascending order, so that a page from elsewhere, or a shifted one, is noticed.
 * With `move` the pages are filled elsewhere and moved there whole: then what is mapped
 * between the stable pages is never without its contents, not for a moment.
 * Any line on stdin is answered with the number of rounds.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAGIC 0xa5c3a5c3a5c3a5c3ULL
#define PAGE 4096UL
#define ARENA 1024UL
#define STABLE 8UL
#define FIRST 0x200000000000UL
#define STRIDE 0x40000000UL

static volatile uint64_t rounds;

static void fill(unsigned long address) {
    volatile uint64_t *word = (volatile uint64_t *)address;
    for (unsigned long i = 0; i < PAGE / sizeof *word; i++)
        word[i] = (address + i * sizeof *word) ^ MAGIC;
}

static void map(unsigned long address, unsigned long pages) {
    void *got = mmap((void *)address, pages * PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (got != (void *)address) {
        perror("mmap");
        exit(1);
    }
}

static void *move(void *argument) {
    unsigned long number = (unsigned long)argument, arena = FIRST + number * STRIDE;
    unsigned seed = (unsigned)number + 1;
    for (;;) {
        unsigned long pages = 1 + (unsigned long)rand_r(&seed) % 64;
        unsigned long room = ARENA - 2 * STABLE - pages + 1;
        unsigned long start = arena + (STABLE + (unsigned long)rand_r(&seed) % room) * PAGE;
        uint64_t *elsewhere = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (elsewhere == MAP_FAILED)
            abort();
        for (unsigned long i = 0; i < pages * PAGE / sizeof *elsewhere; i++)
            elsewhere[i] = (start + i * sizeof *elsewhere) ^ MAGIC;
        if (mremap(elsewhere, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                   (void *)start) == MAP_FAILED)
            abort();
        usleep(100 + (useconds_t)rand_r(&seed) % 400);
        munmap((void *)start, pages * PAGE);
        __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *churn(void *argument) {
    unsigned long number = (unsigned long)argument, arena = FIRST + number * STRIDE;
    unsigned seed = (unsigned)number + 1;
    for (;;) {
        unsigned long pages = 1 + (unsigned long)rand_r(&seed) % 64;
        unsigned long room = ARENA - 2 * STABLE - pages + 1;
        unsigned long start = arena + (STABLE + (unsigned long)rand_r(&seed) % room) * PAGE;
        map(start, pages);
        for (unsigned long i = 0; i < pages; i++)
            if (rand_r(&seed) & 1)
                fill(start + i * PAGE);
        if (rand_r(&seed) % 4 == 0)
            mprotect((void *)start, (1 + pages / 2) * PAGE, PROT_NONE);
        usleep(100 + (useconds_t)rand_r(&seed) % 400); /* or the acquirer gets no processor */
        munmap((void *)start, pages * PAGE);
        __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    unsigned long threads = strtoul(argv[1], NULL, 0);
    for (unsigned long i = 0; i < threads; i++) {
        unsigned long arena = FIRST + i * STRIDE, last = arena + (ARENA - STABLE) * PAGE;
        map(arena, STABLE);
        map(last, STABLE);
        for (unsigned long page = 0; page < STABLE; page++) {
            fill(arena + page * PAGE);
            fill(last + page * PAGE);
        }
    }
    for (unsigned long i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, argc > 2 ? move : churn, (void *)i))
            return 1;
    }
    printf("ready\n");
    fflush(stdout);
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        printf("%lu\n", (unsigned long)rounds);
        fflush(stdout);
    }
    pause();
    return 0;
}
