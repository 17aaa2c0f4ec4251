/* Waits, and so do its children: e2e_idle [CHILDREN] */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
    for (long i = argc > 1 ? strtol(argv[1], NULL, 0) : 0; i > 0; i--) {
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0)
            for (;;)
                pause();
        printf("child %d\n", (int)child);
    }
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}
