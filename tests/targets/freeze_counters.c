/* Threads that count in a shared file, so that a test sees them run without asking them.
 *
 * freeze_counters FILE MODE THREADS; as "large" it has 96 MiB.
 *
 * Slot 0 belongs to the main thread, slots 1.. to the threads, one each; from 2048 on:
 * 2048 SIGUSR1 handled, 2049 SIGCONT handled, 2050 SIGRTMIN handled, 2051 programs started,
 * 2052 threads started, 2053 the child of vfork may end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 4096, USR1 = 2048, CONT, QUEUED, PROGRAMS, STARTED, MAY_END };
enum { LARGE = 96 << 20 }; // more than an acquirer keeps in its own memory

static volatile unsigned long *slots;
static char **arguments;

static void on_signal(int number)
{
    int slot = number == SIGUSR1 ? USR1 : number == SIGCONT ? CONT : QUEUED;
    __atomic_add_fetch(&slots[slot], 1, __ATOMIC_SEQ_CST);
}

static void count(long slot)
{
    for (;;)
        slots[slot]++;
}

static void *counter(void *slot)
{
    char name[16];
    snprintf(name, sizeof name, "counter-%ld", (long)slot);
    pthread_setname_np(pthread_self(), name);
    count((long)slot);
    return NULL;
}

static void *brief(void *unused)
{
    (void)unused;
    for (int turn = 0; turn < 1000; turn++)
        __atomic_add_fetch(&slots[1], 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void *spawner(void *slot)
{
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 65536);
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, &detached, brief, slot) == 0)
            __atomic_add_fetch(&slots[STARTED], 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void *parent(void *unused)
{
    (void)unused;
    if (vfork() == 0) {
        for (int turn = 0; turn < 2000 && !slots[MAY_END]; turn++)
            usleep(10000);
        _exit(0);
    }
    count(1);
    return NULL;
}

static void *replacer(void *unused)
{
    (void)unused;
    usleep(3000);
    execv("/proc/self/exe", arguments);
    abort();
}

static void start(void *(*what)(void *), long slot)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, what, (void *)slot) != 0)
        abort();
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    arguments = argv;
    const char *mode = argv[2];
    long threads = atol(argv[3]);
    int file = open(argv[1], O_RDWR);
    slots = mmap(NULL, SLOTS * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (slots == MAP_FAILED)
        return 3;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGCONT, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);
    int replaced = slots[PROGRAMS]++ > 0;
    if (!strcmp(mode, "large")) {
        char *heap = malloc(LARGE);
        if (heap == NULL)
            return 4;
        memset(heap, 'm', LARGE);
    }
    if (!strcmp(mode, "spawn")) {
        for (long number = 0; number < threads; number++)
            start(spawner, 1);
    } else {
        for (long number = 1; number <= threads; number++)
            start(!strcmp(mode, "vfork") && number == 1 ? parent : counter, number);
    }
    if (!strcmp(mode, "exec"))
        start(replacer, 0);
    if (!replaced) {
        puts("ready");
        fflush(stdout);
    }
    if (!strcmp(mode, "leaderless"))
        pthread_exit(NULL);
    if (!strcmp(mode, "idle"))
        for (;;)
            pause();
    count(0);
}
