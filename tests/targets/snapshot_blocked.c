/* Twelve threads in calls that a stop interrupts: each says what its call returned, and when.
 *
 * snapshot_blocked SECONDS
 *
 * Says "thread NAME TID" for each, then "ready" once all of them sleep in their call. A line on
 * its standard input ends the waiting of those without a time limit; then it says for each
 * "NAME RETURNED ERRNO MILLISECONDS", and "done".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KINDS = 12 };
static const char *const names[KINDS] = {
    "nanosleep", "clock_nanosleep", "poll", "ppoll", "select", "futex",
    "read", "inotify", "sigsuspend", "waitpid", "busy", "epoll",
};

static struct timespec limit;
static int milliseconds, pipe_ends[2], watched;
static pid_t child;
static volatile int stop_busy, woken;
static int thread_ids[KINDS];
static long returned[KINDS], failed[KINDS], took[KINDS];
static char place[64];

static void on_signal(int number)
{
    (void)number;
    woken = 1;
}

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static long make(int kind)
{
    static uint32_t word;
    char buffer[512];
    struct timeval shorter = {limit.tv_sec, limit.tv_nsec / 1000};
    struct pollfd nothing = {.fd = -1};
    struct epoll_event event;
    sigset_t none;
    int status, rest;

    switch (kind) {
    case 0: return syscall(SYS_nanosleep, &limit, NULL);
    case 1: return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &limit, NULL);
    case 2: return syscall(SYS_poll, &nothing, 1, milliseconds);
    case 3: { struct timespec copy = limit; return syscall(SYS_ppoll, &nothing, 1, &copy, NULL, 8); }
    case 4: return syscall(SYS_select, 0, NULL, NULL, NULL, &shorter);
    case 5: return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0);
    case 6: return read(pipe_ends[0], buffer, 1);
    case 7: return read(watched, buffer, sizeof buffer) > 0;
    case 8:
        sigemptyset(&none);
        return sigsuspend(&none);
    case 9: return waitpid(-1, &status, 0) == child;
    case 10:
        while (!stop_busy)
            ;
        return 0;
    default:
        rest = epoll_create1(0);
        return epoll_wait(rest, &event, 1, milliseconds);
    }
}

static void *run(void *argument)
{
    int kind = (int)(intptr_t)argument;
    __atomic_store_n(&thread_ids[kind], (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    long began = now();
    errno = 0;
    returned[kind] = make(kind);
    failed[kind] = returned[kind] < 0 ? errno : 0;
    took[kind] = now() - began;
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    double seconds = atof(argv[1]);
    milliseconds = (int)(seconds * 1000);
    limit.tv_sec = (time_t)seconds;
    limit.tv_nsec = (long)((seconds - (double)limit.tv_sec) * 1e9);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    if (pipe(pipe_ends))
        return 3;
    strcpy(place, "/tmp/msl-watched-XXXXXX");
    if (!mkdtemp(place))
        return 4;
    watched = inotify_init1(0);
    inotify_add_watch(watched, place, IN_CREATE);
    int hold[2];
    if (pipe(hold))
        return 5;
    child = fork();
    if (child == 0) {
        char byte;
        close(hold[1]);
        _exit(read(hold[0], &byte, 1) != 1);
    }
    pthread_t threads[KINDS];
    for (intptr_t kind = 0; kind < KINDS; kind++)
        if (pthread_create(&threads[kind], NULL, run, (void *)kind))
            return 6;
    for (int kind = 0; kind < KINDS; kind++) {
        while (!__atomic_load_n(&thread_ids[kind], __ATOMIC_SEQ_CST))
            usleep(100);
        printf("thread_%s %#x\n", names[kind], thread_ids[kind]);
    }
    puts("ready");
    fflush(stdout);
    int byte = getchar();
    if (byte == EOF)
        _exit(7);
    char made[96];
    snprintf(made, sizeof made, "%s/file", place);
    close(open(made, O_CREAT | O_WRONLY, 0600));
    if (write(pipe_ends[1], "x", 1) != 1 || write(hold[1], "x", 1) != 1)
        return 8;
    stop_busy = 1;
    while (!woken)
        if (syscall(SYS_tgkill, getpid(), thread_ids[8], SIGUSR1) || usleep(1000))
            return 9;
    for (int kind = 0; kind < KINDS; kind++) {
        pthread_join(threads[kind], NULL);
        printf("%s %ld %ld %ld\n", names[kind], returned[kind], failed[kind], took[kind]);
    }
    unlink(made);
    rmdir(place);
    puts("done");
    fflush(stdout);
    return 0;
}
