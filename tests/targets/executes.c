/* A process that executes itself, or something else, again and again or when it is told to.

   executes MARK           says "ready", then does what each line of its input says:
     leader ARGUMENT...      its first thread executes this program with these arguments
     thread ARGUMENT...      another thread does
     program PATH ARGUMENT...  its first thread executes another program
   executes MARK storm USEC  executes itself every so many microseconds
   executes MARK vfork     a child made by vfork waits for a line, then executes itself with the
                           mark "child"; "ready PID" comes from the parent's memory first

   64 pages of its memory begin with MARK. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
static char marks[64 * PAGE] __attribute__((aligned(PAGE)));
static char *self;
static char *words[16];

static void execute(void)
{
    char *other = strcmp(words[0], "program") == 0 ? words[1] : NULL;
    execv(other ? other : self, words + (other ? 1 : 0));
    perror("execv");
    exit(1);
}

static void *in_a_thread(void *unused)
{
    (void)unused;
    execute();
    return NULL;
}

static void obey(char *line)
{
    int count = 0;
    for (char *word = strtok(line, " \n"); word && count < 15; word = strtok(NULL, " \n"))
        words[count++] = word;
    words[count] = NULL;
    if (count == 0)
        return;
    if (strcmp(words[0], "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, in_a_thread, NULL);
        pause();
    }
    execute();
}

static void fill(const char *mark)
{
    for (int page = 0; page < 64; page++)
        strncpy(marks + page * PAGE, mark, PAGE - 1);
}

int main(int count, char **arguments)
{
    static char line[4096];
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0 || count < 2)
        return 1;
    path[length] = 0;
    self = path;
    fill(arguments[1]);
    if (count > 3 && strcmp(arguments[2], "storm") == 0) {
        usleep((useconds_t)atoi(arguments[3]));
        execv(self, arguments);
        return 1;
    }
    if (count > 2 && strcmp(arguments[2], "vfork") == 0) {
        /* The child says who it is by the parent's own memory: they share it. */
        if (vfork() == 0) {
            int used = snprintf(line, sizeof line, "child %d\nready\n", getpid());
            if (write(1, line, (size_t)used) < 0 || read(0, line, 1) < 0)
                _exit(1);
            char *again[] = {self, "MARK-of-the-child", NULL};
            execv(self, again);
            _exit(1);
        }
        for (;;)
            pause();
    }
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
        obey(line);
    for (;;)
        pause();
}
