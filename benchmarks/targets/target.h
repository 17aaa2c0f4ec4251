/* What the targets share: they say "ready", answer every line with their heartbeat, and end
 * with their standard input, so that none outlives the benchmark.
 */
#ifndef TARGET_H
#define TARGET_H

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB (1UL << 20)

enum { BEAT = 200 * 1000, NOTABLE = 2 * 1000 * 1000 }; /* nanoseconds */

static _Atomic int64_t longest_gap, notable_gaps;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Wakes every 0.2 ms and notes how long it really was: the longest time, and the sum of those
 * beyond 2 ms. It sleeps rather than spins, to leave both cores to whoever is measured. */
static void *heartbeat(void *unused)
{
    (void)unused;
    int64_t last = now();
    for (;;) {
        const struct timespec pause = {0, BEAT};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        int64_t time = now(), gap = time - last;
        last = time;
        if (gap > atomic_load(&longest_gap))
            atomic_store(&longest_gap, gap);
        if (gap > NOTABLE)
            atomic_fetch_add(&notable_gaps, gap);
    }
    return NULL;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static inline void start_thread(void *(*function)(void *), size_t stack)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack != 0)
        pthread_attr_setstacksize(&attributes, stack);
    if (pthread_create(&thread, &attributes, function, NULL) != 0)
        fail("pthread_create");
    pthread_detach(thread);
}

static inline void *map_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    return memory;
}

/* xorshift64*: fast, and nothing a compressor could make use of. */
static uint64_t random_state = 0x9E3779B97F4A7C15ULL;

static inline uint64_t random_word(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1DULL;
}

/* A number argument; 0 where there is none. */
static inline unsigned long argument(int count, char **values, int index)
{
    return index < count ? strtoul(values[index], NULL, 10) : 0;
}

/* The conversation; never returns. */
static void serve(int with_heartbeat)
{
    char line[64];
    if (with_heartbeat)
        start_thread(heartbeat, 64 << 10);
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        printf("%lld %lld\n", (long long)atomic_exchange(&longest_gap, 0),
               (long long)atomic_exchange(&notable_gaps, 0));
        fflush(stdout);
    }
    exit(0);
}

#endif
