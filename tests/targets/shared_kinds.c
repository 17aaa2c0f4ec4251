/* Files and shared memory of which this process has next to nothing.
 *
 *     shared_kinds DIRECTORY PAGES [KIND ...]
 *
 * Of the PAGES of each kind the first three are written here, so that the process has them; pages
 * 100 to 102 are written by somebody else, so that it does not; nobody has written the rest. Each
 * written page is full of its number plus 1. Says "NAME START" (hexadecimal) for each, then "ready".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static long page;
static size_t size;
static const char *directory;

static void fill(char *base, int first, int last)
{
    for (int i = first; i < last; i++)
        memset(base + i * page, i + 1, page);
}

static void by_a_child(char *base)
{
    pid_t child = fork();
    if (!child) {
        fill(base, 100, 103);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

/* Written through a mapping that has gone, `shift` pages into the file. */
static void by_another_mapping(int file, int shift, int first, int last)
{
    char *other = mmap(NULL, 128 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, shift * page);
    if (other == MAP_FAILED)
        perror("mmap"), exit(1);
    fill(other, first, last);
    munmap(other, 128 * page);
}

static char *map(int flags, int file, int shift)
{
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file, shift * page);
    if (base == MAP_FAILED)
        perror("mmap"), exit(1);
    return base;
}

static char *of_file(int file, int flags, int shift, int closed)
{
    if (file < 0 || ftruncate(file, size + shift * page))
        perror("file"), exit(1);
    by_another_mapping(file, shift, 100, 103);
    if (flags == MAP_PRIVATE)
        by_another_mapping(file, shift, 0, 3);
    char *base = map(flags, file, shift);
    if (flags == MAP_SHARED)
        fill(base, 0, 3);
    for (int i = 0; i < 3; i++) /* read: the page is the file's own */
        if (*(volatile char *)(base + i * page) != i + 1)
            exit(1);
    if (closed)
        close(file);
    return base;
}

static int named(const char *where, const char *name, int unlinked)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/msl-%d-%s", where, getpid(), name);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (unlinked)
        unlink(path);
    else
        printf("path %s\n", path);
    return file;
}

static char *make(const char *kind)
{
    if (!strcmp(kind, "memfd"))
        return of_file(memfd_create("held", 0), MAP_SHARED, 0, 0);
    if (!strcmp(kind, "memfd_offset"))
        return of_file(memfd_create("offset", 0), MAP_SHARED, 5, 0);
    if (!strcmp(kind, "memfd_private"))
        return of_file(memfd_create("private", 0), MAP_PRIVATE, 0, 0);
    if (!strcmp(kind, "memfd_closed"))
        return of_file(memfd_create("closed", 0), MAP_SHARED, 0, 1);
    if (!strcmp(kind, "shm"))
        return of_file(named("/dev/shm", "shm", 0), MAP_SHARED, 0, 1);
    if (!strcmp(kind, "shm_held"))
        return of_file(named("/dev/shm", "held", 1), MAP_SHARED, 0, 0);
    if (!strcmp(kind, "shm_unlinked"))
        return of_file(named("/dev/shm", "unlinked", 1), MAP_SHARED, 0, 1);
    if (!strcmp(kind, "file"))
        return of_file(named(directory, "file", 0), MAP_SHARED, 0, 1);
    if (!strcmp(kind, "file_private"))
        return of_file(named(directory, "private", 0), MAP_PRIVATE, 3, 1);
    if (!strcmp(kind, "file_held"))
        return of_file(named(directory, "held", 1), MAP_PRIVATE, 0, 0);
    if (!strcmp(kind, "file_unlinked"))
        return of_file(named(directory, "unlinked", 1), MAP_PRIVATE, 0, 1);
    char *base;
    if (!strcmp(kind, "sysv")) {
        int id = shmget(IPC_PRIVATE, size, 0600);
        base = shmat(id, NULL, 0);
        shmctl(id, IPC_RMID, NULL);
        if (base == (char *)-1)
            perror("shmat"), exit(1);
    } else if (!strcmp(kind, "zero_device")) {
        base = map(MAP_SHARED, open("/dev/zero", O_RDWR), 0);
    } else {
        base = map(MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (!strcmp(kind, "anonymous_named"))
            prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, base, size, "jit");
    }
    fill(base, 0, 3);
    by_a_child(base);
    return base;
}

int main(int count, char **words)
{
    page = sysconf(_SC_PAGESIZE);
    if (count < 4)
        return 2;
    directory = words[1];
    size = strtoul(words[2], NULL, 0) * page;
    for (int i = 3; i < count; i++) {
        char *base = make(words[i]);
        madvise(base, size, MADV_NOHUGEPAGE);
        printf("%s %#lx\n", words[i], (unsigned long)base);
    }
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
