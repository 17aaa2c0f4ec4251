/* Memory of every kind that people have a word for; says "NAME 0xADDRESS" for each. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (1 << 20)

static int initialised[4096] = {1, 2, 3};
static int zeroed[1 << 18];
static int turn;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t said = PTHREAD_COND_INITIALIZER;

static void *thread(void *unused)
{
    char on_stack[256];
    char *in_arena = malloc(3000);
    memset(on_stack, 's', sizeof on_stack);
    memset(in_arena, 'a', 3000);
    pthread_mutex_lock(&lock);
    printf("thread_stack %p\narena %p\n", (void *)on_stack, (void *)in_arena);
    turn = 1;
    pthread_cond_signal(&said);
    pthread_mutex_unlock(&lock);
    for (;;)
        pause();
    return unused;
}

static void *map(const char *name, int protection, int flags)
{
    char *found = mmap(NULL, SIZE, protection, flags | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED) {
        perror(name);
        exit(1);
    }
    memset(found, name[0], 4096);
    printf("%s %p\n", name, (void *)found);
    /* A hole, so that the kernel doesn't make one mapping of it and the next. */
    mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return found;
}

int main(void)
{
    pthread_t number;
    char on_stack[256];
    char *small = malloc(1000);
    memset(on_stack, 's', sizeof on_stack);
    memset(small, 'h', 1000);
    initialised[7] = 7;
    zeroed[1 << 17] = 1;
    printf("main_stack %p\nbrk %p\n", (void *)on_stack, (void *)small);
    printf("data %p\nbss %p\n", (void *)initialised, (void *)&zeroed[1 << 17]);
    printf("code %p\n", (void *)main);
    map("mapped", PROT_READ | PROT_WRITE, MAP_PRIVATE);
    map("generated", PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
    map("shared", PROT_READ | PROT_WRITE, MAP_SHARED);
    int file = open("/etc/passwd", O_RDONLY);
    printf("file %p\n", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0));
    fflush(stdout);
    pthread_create(&number, NULL, thread, NULL);
    pthread_mutex_lock(&lock);
    while (!turn)
        pthread_cond_wait(&said, &lock);
    pthread_mutex_unlock(&lock);
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}
