/* Three threads deep in a recursion, with known vector registers and pages that nobody touched.
 *
 * Says where its pages are: "pages ADDRESS". The first is filled, the ninth too, the others not;
 * the seventeenth can't be accessed.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *pages;
static pthread_barrier_t all;

__attribute__((noinline)) static long deep(int left, long mark) {
    volatile long kept = mark * 3;
    if (left > 0)
        return deep(left - 1, mark + 1) + kept;
    pthread_barrier_wait(&all);
    for (;;) {
#if defined(__x86_64__)
        __asm__ volatile("movdqu (%0), %%xmm7\n\tmov $34, %%eax\n\tsyscall" ::"r"(pages)
                         : "rax", "rcx", "r11", "xmm7", "memory");
#else
        pause();
#endif
    }
    return kept;
}

static void *work(void *number) {
    char name[16];
    snprintf(name, sizeof name, "worker-%ld", (long)number);
    pthread_setname_np(pthread_self(), name);
    return (void *)deep(5 + (int)(long)number, 100);
}

int main(void) {
    pages = mmap(0, 64 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(pages, "MSL-MARKER-0123456789abcdefghijklmnopqrstuvwxyz");
    strcpy(pages + 8 * 4096, "SECOND");
    mprotect(pages + 16 * 4096, 4096, PROT_NONE);
    pthread_barrier_init(&all, 0, 4);
    for (long number = 0; number < 3; number++) {
        pthread_t thread;
        pthread_create(&thread, 0, work, (void *)number);
    }
    printf("pages %p\n", (void *)pages);
    pthread_barrier_wait(&all);
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}
