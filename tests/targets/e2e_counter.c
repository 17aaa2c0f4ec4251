/* Writes ever greater numbers into pages, one page after the other, round and round.
 *
 *   e2e_counter THREADS PAGES FILLER_MIB MICROSECONDS
 *
 * Number n goes to page n mod PAGES, with the time of writing, under one lock: at any
 * moment the pages hold exactly the last PAGES numbers, but for the one being written.
 * FILLER_MIB of noise make it large; MICROSECONDS is the pause behind each number.
 * Any line on stdin is answered with the number reached.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x5eed5eed5eed5eedULL

struct page {
    volatile uint64_t number, time, address, check;
    char rest[4096 - 4 * sizeof(uint64_t)];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct page *pages;
static uint64_t count;
static volatile uint64_t next;
static unsigned pause_us;

static void step(void) {
    uint64_t number = next;
    struct page *page = &pages[number % count];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    page->number = number;
    page->time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    page->address = (uint64_t)page;
    page->check = number ^ MAGIC;
    next = number + 1;
}

static void *writer(void *unused) {
    (void)unused;
    for (;;) {
        pthread_mutex_lock(&lock);
        step();
        pthread_mutex_unlock(&lock);
        if (pause_us)
            usleep(pause_us);
    }
    return NULL;
}

static void *map(size_t size) {
    void *got = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return got;
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    count = strtoull(argv[2], NULL, 0);
    size_t filler_size = strtoull(argv[3], NULL, 0) << 20;
    pause_us = (unsigned)strtoul(argv[4], NULL, 0);
    pages = map(count * sizeof *pages);
    while (next < count)
        step();
    uint64_t noise = MAGIC, *filler = filler_size ? map(filler_size) : NULL;
    for (size_t i = 0; i < filler_size / sizeof *filler; i++) {
        noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
        filler[i] = noise;
    }
    for (long i = strtol(argv[1], NULL, 0); i > 0; i--) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, writer, NULL))
            return 1;
    }
    printf("pages %#lx\nnext %#lx\nfiller %#lx\nready\n", (unsigned long)pages,
           (unsigned long)&next, (unsigned long)filler);
    fflush(stdout);
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        printf("%lu\n", (unsigned long)next);
        fflush(stdout);
    }
    pause();
    return 0;
}
