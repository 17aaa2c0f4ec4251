/* A process and its child, which have their heap in common since the fork.
 *
 *     forked MIB [exec]
 *
 * Says "child PID" and "space START" (hexadecimal). With exec the child executes this program
 * again, and has nothing in common with its parent any more.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int count, char **words)
{
    if (count > 2 && !strcmp(words[2], "pause"))
        for (;;)
            pause();
    size_t size = strtoul(words[1], NULL, 0) << 20;
    char *space = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(space, size, MADV_NOHUGEPAGE);
    memset(space, 0x5a, size);
    pid_t child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (count > 2)
            execl(words[0], words[0], words[1], "pause", NULL);
        for (;;)
            pause();
    }
    printf("child %#x\nspace %#lx\nready\n", child, (unsigned long)space);
    fflush(stdout);
    for (;;)
        pause();
}
