/* A program whose memory changes all the time, and whose every kind of mapping is known.
 *
 * snapshot_target SIGCHLD SECCOMP PAGES [THREADS]
 *
 * SIGCHLD: default, handler or ignored. SECCOMP: none, or kill: a filter that kills whoever calls
 * clone, clone3 or fork, once all threads are there.
 *
 * One thread writes a generation, counted from 1, at the start of each of PAGES private pages, one
 * page behind the other, again and again; another one the same with shared pages: at any moment
 * the pages hold at most two generations, the later one first. Says where what is, "ready", and
 * answers lines on its standard input:
 *
 *   child     starts a child of its own, waits for its end, and says "child PID"
 *   wait      says "wait PID ERRNO": what waitpid(-1, WNOHANG) returns
 *   signals   says "signals NUMBER": SIGCHLD handled
 *   turns     says "turns NUMBER": the generation of the private pages
 *   fill MIB  touches as much new memory, says "filled"
 *   exec      executes itself again
 *   watch     has a userfaultfd watch some memory for writes, says "watch ERRNO"
 *   huge      says "huge ADDRESS": of two private huge pages from the pool, full of h; 0: none
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, FEW = 16 };

static volatile unsigned long handled;
static long pages;

static void on_child(int number)
{
    (void)number;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static char *get(long count, int flags)
{
    char *found = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
    if (found == MAP_FAILED)
        abort();
    return found;
}

static void fill(char *memory, long count, int letter)
{
    memset(memory, letter, count * PAGE);
}

static void *turn(void *memory)
{
    for (unsigned long generation = 1;; generation++)
        for (long page = 0; page < pages; page++)
            *(volatile unsigned long *)((char *)memory + page * PAGE) = generation;
    return NULL;
}

static void *sleeper(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void start(void *(*what)(void *), void *argument)
{
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    if (pthread_create(&thread, &small, what, argument))
        abort();
}

static void forbid(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog whole = {sizeof program / sizeof *program, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &whole))
        abort();
}

static int watch(void)
{
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register some = {.mode = UFFDIO_REGISTER_MODE_WP};
    int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    some.range.start = (unsigned long)get(FEW, MAP_PRIVATE);
    some.range.len = FEW * PAGE;
    if (descriptor < 0 || ioctl(descriptor, UFFDIO_API, &api) ||
        ioctl(descriptor, UFFDIO_REGISTER, &some))
        return errno;
    return 0;
}

static void answer(char *line, char **arguments, char *turning)
{
    long size;
    pid_t child;
    if (!strncmp(line, "child", 5)) {
        unsigned long before = handled;
        child = fork();
        if (child == 0)
            _exit(0);
        if (!strcmp(arguments[1], "handler"))
            while (handled == before)
                usleep(1000);
        else
            waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
        printf("child %d\n", child);
    } else if (!strncmp(line, "wait", 4)) {
        errno = 0;
        child = waitpid(-1, NULL, WNOHANG);
        printf("wait %d %d\n", child, child < 0 ? errno : 0);
    } else if (!strncmp(line, "signals", 7)) {
        printf("signals %lu\n", handled);
    } else if (!strncmp(line, "turns", 5)) {
        printf("turns %lu\n", *(volatile unsigned long *)turning);
    } else if (sscanf(line, "fill %ld", &size) == 1) {
        fill(get(size << 8, MAP_PRIVATE), size << 8, 'f');
        puts("filled");
    } else if (!strncmp(line, "watch", 5)) {
        printf("watch %d\n", watch());
    } else if (!strncmp(line, "huge", 4)) {
        void *huge = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
        if (huge != MAP_FAILED)
            memset(huge, 'h', 4 << 20);
        printf("huge %#lx\n", huge == MAP_FAILED ? 0UL : (unsigned long)huge);
    } else if (!strncmp(line, "exec", 4)) {
        execv("/proc/self/exe", arguments);
        abort();
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    pages = atol(argv[3]);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_flags = SA_RESTART;
    action.sa_handler = !strcmp(argv[1], "handler") ? on_child
                        : !strcmp(argv[1], "ignored") ? SIG_IGN : SIG_DFL;
    sigaction(SIGCHLD, &action, NULL);

    char *turning = get(pages, MAP_PRIVATE), *shared = get(pages, MAP_SHARED);
    char *still = get(FEW, MAP_SHARED), *alone = get(FEW, MAP_PRIVATE);
    char *wiped = get(FEW, MAP_PRIVATE), *untouched = get(FEW, MAP_PRIVATE);
    char *read_only = get(FEW, MAP_PRIVATE);
    fill(still, FEW, 's');
    fill(alone, FEW, 'd');
    fill(wiped, FEW, 'w');
    for (int page = 0; page < FEW; page++)
        (void)*(volatile char *)(read_only + page * PAGE);
    if (madvise(alone, FEW * PAGE, MADV_DONTFORK) || madvise(wiped, FEW * PAGE, MADV_WIPEONFORK))
        return 3;
    int file = memfd_create("written", 0);
    if (ftruncate(file, FEW * PAGE))
        return 4;
    char *whole = mmap(NULL, FEW * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    fill(whole, FEW, 'm');
    char *half = mmap(NULL, FEW * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    fill(half, FEW / 2, 'p');
    for (long number = argc > 4 ? atol(argv[4]) : 0; number > 0; number--)
        start(sleeper, NULL);
    start(turn, turning);
    start(turn, shared);
    while (*(volatile unsigned long *)turning < 3 || *(volatile unsigned long *)shared < 3)
        usleep(100);
    if (!strcmp(argv[2], "kill"))
        forbid();
    printf("turning %p\nshared %p\nstill %p\nalone %p\nwiped %p\nuntouched %p\n", turning, shared,
           still, alone, wiped, untouched);
    printf("read_only %p\nwhole %p\nhalf %p\nready\n", read_only, whole, half);
    fflush(stdout);
    char line[256];
    while (fgets(line, sizeof line, stdin))
        answer(line, argv, turning);
    return 0;
}
