/* One mapping of every kind that an acquirer may meet.
 *
 *     zoo DIRECTORY [--zombie] [KIND ...]
 *
 * Files go to DIRECTORY and are deleted at once. Without a KIND there is one of each. Says
 *
 *     NAME START END      (hexadecimal) for each that could be made,
 *     NAME - WHY          for each that could not, and then
 *     ready
 *
 * Page number i of a kind whose tag is t holds the bytes t, i, t, i … where it was written to.
 * Then takes commands: "unmap START END", "remap START END" (anonymous memory into a file's
 * place and the other way round), "exec", "exit", "touch START END". With --zombie the first
 * thread has ended when it says ready.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#define PAGES 16
#define HUGE_PAGE (2UL << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static long page;
static const char *directory;
static const char *why;

static void *failed(const char *what)
{
    static char text[200];
    snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    why = text;
    return NULL;
}

static void fill(void *at, int tag, int number)
{
    unsigned char *bytes = at;
    for (long i = 0; i < page; i += 2) {
        bytes[i] = tag;
        bytes[i + 1] = number;
    }
}

static void touch(char *base, int tag, int from, int to)
{
    for (int i = from; i < to; i++)
        fill(base + i * page, tag, i);
}

static char *map(size_t size, int protection, int flags, int file)
{
    char *base = mmap(NULL, size, protection, flags, file, 0);
    return base == MAP_FAILED ? failed("mmap") : base;
}

/* Mappings with a hole on both sides, so that the kernel does not merge neighbours. */
static char *apart(int pages, int protection)
{
    char *base = map((pages + 2) * page, PROT_NONE, ANON, -1);
    if (!base)
        return NULL;
    munmap(base, page);
    munmap(base + (pages + 1) * page, page);
    base += page;
    return mmap(base, pages * page, protection, ANON | MAP_FIXED, -1, 0);
}

static void write_page(int file, int tag, int number)
{
    char bytes[65536];
    fill(bytes, tag, number);
    if (pwrite(file, bytes, page, number * page) != page)
        failed("pwrite");
}

static int fresh(const char *in)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/zoo-XXXXXX", in);
    int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    else
        failed(path);
    return file;
}

static void by_a_child(char *base, int tag, int number)
{
    pid_t child = fork();
    if (child == 0) {
        touch(base, tag, number, number + 1);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static char *anon_touched(size_t *size, int tag)
{
    (void)size;
    char *base = apart(PAGES, RW);
    touch(base, tag, 0, PAGES);
    return base;
}

static char *anon_untouched(size_t *size, int tag)
{
    (void)size, (void)tag;
    return apart(PAGES, RW);
}

static char *anon_sparse(size_t *size, int tag)
{
    (void)size;
    char *base = apart(PAGES, RW);
    touch(base, tag, 3, 5);
    touch(base, tag, 9, 10);
    return base;
}

static char *anon_zero_page(size_t *size, int tag)
{
    (void)size, (void)tag;
    volatile char *base = apart(PAGES, RW);
    (void)base[2 * page]; /* read, never written: the shared page of zeros */
    return (char *)base;
}

static char *dontneed(size_t *size, int tag)
{
    char *base = anon_touched(size, tag);
    madvise(base + 4 * page, 4 * page, MADV_DONTNEED);
    return base;
}

static char *reservation(size_t *size, int tag)
{
    (void)tag;
    *size = 20UL << 40;
    return map(*size, PROT_NONE, ANON, -1);
}

static char *scattered(size_t *size, int tag)
{
    *size = 8192 * page;
    char *base = map(*size, RW, ANON, -1);
    if (!base)
        return NULL;
    madvise(base, *size, MADV_NOHUGEPAGE);
    for (int i = 0; i < 8192; i += 2)
        fill(base + i * page, tag, i);
    return base;
}

static char *huge_transparent(size_t *size, int tag)
{
    *size = 2 * HUGE_PAGE;
    char *base = map(3 * HUGE_PAGE, RW, ANON, -1);
    if (!base)
        return NULL;
    char *aligned = (char *)(((unsigned long)base + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
    munmap(base, aligned - base);
    munmap(aligned + *size, base + 3 * HUGE_PAGE - aligned - *size);
    if (madvise(aligned, *size, MADV_HUGEPAGE))
        return failed("MADV_HUGEPAGE");
    touch(aligned, tag, 0, HUGE_PAGE / page);
    return aligned;
}

static char *protected(size_t *size, int tag, int protection)
{
    char *base = anon_touched(size, tag);
    mprotect(base, PAGES * page, protection);
    return base;
}

static char *none_touched(size_t *size, int tag)
{
    return protected(size, tag, PROT_NONE);
}

static char *none_untouched(size_t *size, int tag)
{
    (void)size, (void)tag;
    return apart(PAGES, PROT_NONE);
}

static char *write_only(size_t *size, int tag)
{
    return protected(size, tag, PROT_WRITE);
}

static char *exec_only(size_t *size, int tag)
{
    return protected(size, tag, PROT_EXEC);
}

static char *guard(size_t *size, int tag)
{
    char *base = anon_touched(size, tag);
    if (madvise(base + 5 * page, 2 * page, MADV_GUARD_INSTALL))
        return failed("MADV_GUARD_INSTALL");
    return base;
}

static char *guard_whole(size_t *size, int tag)
{
    (void)size, (void)tag;
    char *base = apart(PAGES, RW);
    if (madvise(base, PAGES * page, MADV_GUARD_INSTALL))
        return failed("MADV_GUARD_INSTALL");
    return base;
}

static char *memory_file(size_t *size, int tag, int flags)
{
    (void)size;
    int file = memfd_create("zoo", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, PAGES * page))
        return failed("memfd_create");
    write_page(file, tag, 2);
    write_page(file, tag, 3);
    write_page(file, tag, 10);
    return map(PAGES * page, RW, flags, file);
}

static char *memfd_shared(size_t *size, int tag)
{
    char *base = memory_file(size, tag, MAP_SHARED);
    if (base)
        touch(base, tag, 5, 6);
    return base;
}

static char *memfd_private(size_t *size, int tag)
{
    char *base = memory_file(size, tag, MAP_PRIVATE);
    if (base)
        touch(base, tag, 5, 6);
    return base;
}

static char *secret(size_t *size, int tag)
{
    (void)size;
    int file = syscall(SYS_memfd_secret, O_CLOEXEC);
    if (file < 0 || ftruncate(file, PAGES * page))
        return failed("memfd_secret");
    char *base = map(PAGES * page, RW, MAP_SHARED, file);
    if (base)
        touch(base, tag, 0, PAGES);
    return base;
}

static char *shared_anon(size_t *size, int tag)
{
    (void)size;
    char *base = map(PAGES * page, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
    touch(base, tag, 1, 2);
    by_a_child(base, tag, 6);
    return base;
}

static char *sysv(size_t *size, int tag)
{
    (void)size;
    int id = shmget(IPC_PRIVATE, PAGES * page, 0600);
    if (id < 0)
        return failed("shmget");
    char *base = shmat(id, NULL, 0);
    shmctl(id, IPC_RMID, NULL);
    if (base == (char *)-1)
        return failed("shmat");
    touch(base, tag, 0, 1);
    by_a_child(base, tag, 7);
    return base;
}

static char *tmpfs_file(size_t *size, int tag)
{
    (void)size;
    int file = fresh("/dev/shm");
    if (file < 0 || ftruncate(file, PAGES * page))
        return NULL;
    write_page(file, tag, 4);
    return map(PAGES * page, RW, MAP_SHARED, file);
}

static char *of_file(int tag, int pages, long length, int flags)
{
    int file = fresh(directory);
    if (file < 0)
        return NULL;
    for (int i = 0; i * page < length; i++)
        write_page(file, tag, i);
    if (ftruncate(file, length))
        return failed("ftruncate");
    return map(pages * page, RW, flags, file);
}

static char *file_past_end(size_t *size, int tag)
{
    (void)size;
    return of_file(tag, PAGES, 2 * page + 100, MAP_PRIVATE);
}

static char *file_truncated(size_t *size, int tag)
{
    (void)size;
    int file = fresh(directory);
    if (file < 0 || ftruncate(file, PAGES * page))
        return NULL;
    char *base = map(PAGES * page, RW, MAP_SHARED, file);
    touch(base, tag, 0, PAGES);
    if (ftruncate(file, 3 * page))
        return failed("ftruncate");
    return base;
}

static char *file_deleted(size_t *size, int tag)
{
    (void)size;
    return of_file(tag, PAGES, PAGES * page, MAP_SHARED);
}

static char *file_cow(size_t *size, int tag)
{
    (void)size;
    char *base = of_file(tag, PAGES, PAGES * page, MAP_PRIVATE);
    if (base)
        fill(base + page, tag + 100, 1);
    return base;
}

static char *file_hole(size_t *size, int tag)
{
    (void)size;
    int file = fresh(directory);
    if (file < 0 || ftruncate(file, PAGES * page))
        return NULL;
    write_page(file, tag, 4);
    return map(PAGES * page, RW, MAP_SHARED, file);
}

static char *fault_handled(size_t *size, int tag, unsigned long features)
{
    (void)size;
    int file = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        file = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    struct uffdio_api api = {.api = UFFD_API, .features = features};
    if (file < 0 || ioctl(file, UFFDIO_API, &api))
        return failed("userfaultfd");
    char *base = apart(PAGES, RW);
    touch(base, tag, 2, 4);
    struct uffdio_register range = {
        .range = {.start = (unsigned long)base, .len = PAGES * page},
        .mode = UFFDIO_REGISTER_MODE_MISSING,
    };
    if (ioctl(file, UFFDIO_REGISTER, &range))
        return failed("UFFDIO_REGISTER");
    return base;
}

static char *uffd_missing(size_t *size, int tag)
{
    return fault_handled(size, tag, 0);
}

static char *uffd_sigbus(size_t *size, int tag)
{
    return fault_handled(size, tag, UFFD_FEATURE_SIGBUS);
}

static char *hugetlb(size_t *size, int tag)
{
    /* Reserved, that is without MAP_NORESERVE: else an empty pool is a SIGBUS later. */
    *size = 2 * HUGE_PAGE;
    char *base = map(*size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
    if (base)
        touch(base, tag, 0, 1);
    return base;
}

static char *hugetlb_shared(size_t *size, int tag)
{
    *size = 2 * HUGE_PAGE;
    int file = memfd_create("zoo-huge", MFD_CLOEXEC | MFD_HUGETLB);
    if (file < 0 || ftruncate(file, *size))
        return failed("memfd_create");
    char *base = map(*size, RW, MAP_SHARED, file);
    if (base)
        touch(base, tag, 0, 1);
    return base;
}

static char *perf_ring(size_t *size, int tag)
{
    (void)tag;
    *size = 17 * page;
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof attributes,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
    };
    int file = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (file < 0)
        return failed("perf_event_open");
    return map(*size, RW, MAP_SHARED, file);
}

static char *device(size_t *size, int tag)
{
    (void)tag;
    *size = page;
    int file = open("/dev/mem", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return failed("/dev/mem");
    char *base = mmap(NULL, page, PROT_READ, MAP_SHARED, file, 0xf0000); /* the BIOS, not touched */
    return base == MAP_FAILED ? failed("mmap /dev/mem") : base;
}

static char *zero_device(size_t *size, int tag)
{
    (void)size;
    int file = open("/dev/zero", O_RDWR | O_CLOEXEC);
    if (file < 0)
        return failed("/dev/zero");
    char *base = map(PAGES * page, RW, MAP_PRIVATE, file);
    if (base)
        touch(base, tag, 1, 2);
    return base;
}

static char *large(size_t *size, int tag)
{
    *size = 600 * page;
    char *base = apart(600, RW);
    touch(base, tag, 0, 600);
    mprotect(base + 300 * page, page, PROT_NONE); /* three mappings */
    return base;
}

static const struct {
    const char *name;
    char *(*make)(size_t *size, int tag);
} kinds[] = {
    {"anon_touched", anon_touched},     {"anon_untouched", anon_untouched},
    {"anon_sparse", anon_sparse},       {"anon_zero_page", anon_zero_page},
    {"dontneed", dontneed},             {"reservation", reservation},
    {"scattered", scattered},           {"huge_transparent", huge_transparent},
    {"none_touched", none_touched},     {"none_untouched", none_untouched},
    {"write_only", write_only},         {"exec_only", exec_only},
    {"guard", guard},                   {"memfd_shared", memfd_shared},
    {"memfd_private", memfd_private},   {"secret", secret},
    {"shared_anon", shared_anon},       {"sysv", sysv},
    {"tmpfs_file", tmpfs_file},         {"file_past_end", file_past_end},
    {"file_truncated", file_truncated}, {"file_deleted", file_deleted},
    {"file_cow", file_cow},             {"file_hole", file_hole},
    {"uffd_missing", uffd_missing},     {"uffd_sigbus", uffd_sigbus},
    {"hugetlb", hugetlb},               {"hugetlb_shared", hugetlb_shared},
    {"perf_ring", perf_ring},           {"device", device},
    {"zero_device", zero_device},       {"large", large},
    {"guard_whole", guard_whole},
};

static void obey(void)
{
    char line[200];
    unsigned long start, end;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "unmap %lx %lx", &start, &end) == 2)
            munmap((void *)start, end - start);
        else if (sscanf(line, "remap %lx %lx", &start, &end) == 2)
            mmap((void *)start, end - start, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        else if (sscanf(line, "touch %lx %lx", &start, &end) == 2)
            memset((void *)start, 0x7e, end - start);
        else if (!strncmp(line, "exec", 4))
            execl("/bin/sh", "sh", "-c", "echo done; read line", NULL);
        else if (!strncmp(line, "exit", 4))
            _exit(0);
        puts("done");
        fflush(stdout);
    }
    for (;;)
        pause();
}

static void *after_the_first(void *first)
{
    pthread_join(*(pthread_t *)first, NULL);
    puts("ready");
    fflush(stdout);
    obey();
    return NULL;
}

int main(int count, char **words)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    page = sysconf(_SC_PAGESIZE);
    int zombie = 0, chosen = 2;
    if (count < 2)
        return 2;
    directory = words[1];
    if (count > chosen && !strcmp(words[chosen], "--zombie"))
        zombie = 1, chosen++;
    for (unsigned kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        int wanted = chosen == count;
        for (int i = chosen; i < count; i++)
            wanted |= !strcmp(words[i], kinds[kind].name);
        if (!wanted)
            continue;
        size_t size = PAGES * page;
        why = "?";
        char *base = kinds[kind].make(&size, kind + 1);
        if (base)
            printf("%s %lx %lx\n", kinds[kind].name, (long)base, (long)(base + size));
        else
            printf("%s - %s\n", kinds[kind].name, why);
    }
    fflush(stdout);
    if (zombie) {
        static pthread_t first, other;
        first = pthread_self();
        pthread_create(&other, NULL, after_the_first, &first);
        pthread_exit(NULL);
    }
    puts("ready");
    fflush(stdout);
    obey();
}
