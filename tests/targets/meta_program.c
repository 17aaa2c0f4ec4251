/* A program that waits, with a packaging note; "memfd" runs it again from a memfd, "twice"
 * maps its own file a second time far away, "argv0 NAME" runs it again under another name. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef PACKAGE
__asm__(".pushsection .note.package,\"a\",@note\n"
        ".balign 4\n"
        ".long 4, 2f-1f, 0xcafe1a7e\n"
        ".asciz \"FDO\"\n"
        "1: .asciz \"{\\\"type\\\":\\\"deb\\\",\\\"name\\\":\\\"meta\\\",\\\"version\\\":\\\"7.5-3\\\"}\"\n"
        "2: .balign 4\n"
        ".popsection\n");
#endif

int main(int count, char **arguments)
{
    const char *mode = count > 1 ? arguments[1] : "";
    if (!strcmp(mode, "memfd")) {
        struct stat told;
        int from = open("/proc/self/exe", O_RDONLY), to = memfd_create("ghost", MFD_CLOEXEC);
        fstat(from, &told);
        while (told.st_size > 0)
            told.st_size -= sendfile(to, from, NULL, told.st_size);
        char *again[] = {"ghost", NULL};
        char *empty[] = {NULL};
        fexecve(to, again, empty);
        return 1;
    }
    if (!strcmp(mode, "argv0")) {
        char *again[] = {arguments[2], "", "two words", "", NULL};
        char *environment[] = {"FIRST=1", "EMPTY=", "ODD=\xff", NULL};
        execve("/proc/self/exe", again, environment);
        return 1;
    }
    if (!strcmp(mode, "twice")) {
        int from = open("/proc/self/exe", O_RDONLY);
        void *at = mmap((void *)0x100000000000, 8192, PROT_READ, MAP_PRIVATE, from, 0);
        void *code = mmap((void *)0x200000000000, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, from, 0);
        printf("read %p\ncode %p\n", at, code);
    }
    if (!strcmp(mode, "name"))
        prctl(PR_SET_NAME, arguments[2]);
    if (!strcmp(mode, "shut"))
        prctl(PR_SET_DUMPABLE, 0);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
