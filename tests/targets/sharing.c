/* Processes that share memory, or that become more and more.

   sharing COUNT       COUNT children count in one shared page, all of them without pause
   sharing COUNT grow  children are made until there are COUNT of them, one in 150 milliseconds
   sharing COUNT FILE  COUNT children count in a file, which the parent has mapped and never touches

   Says "shared 0xADDRESS" of a page with the count (of increments, of children), of a file also
   "private 0xADDRESS" of a private mapping, then "ready". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static void child(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int main(int count, char **arguments)
{
    int children = atoi(arguments[1]);
    int grow = count > 2 && strcmp(arguments[2], "grow") == 0;
    int file = count > 2 && !grow ? open(arguments[2], O_RDWR) : -1;
    _Atomic long *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                file < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, file, 0);
    if (shared == MAP_FAILED)
        return 1;
    printf("shared %p\n", (void *)shared);
    if (file >= 0) {
        void *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
        if (private == MAP_FAILED)
            return 1;
        printf("private %p\n", private);
    }
    if (grow) {
        printf("ready\n");
        fflush(stdout);
        for (int made = 0; made < children; made++) {
            if (fork() == 0) {
                child();
                for (;;)
                    pause();
            }
            *shared += 1;
            usleep(150000);
        }
        for (;;)
            pause();
    }
    fflush(stdout);
    for (int number = 0; number < children; number++)
        if (fork() == 0) {
            child();
            for (;;)
                for (int turn = 0; turn < 1000; turn++)
                    *shared += 1;
        }
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}
