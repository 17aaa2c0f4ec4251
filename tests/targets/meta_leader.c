/* A process whose first thread has ended while another goes on. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *go_on(void *first)
{
    pthread_join(*(pthread_t *)first, NULL);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

int main(void)
{
    static pthread_t first;
    pthread_t other;
    first = pthread_self();
    pthread_create(&other, NULL, go_on, &first);
    pthread_exit(NULL);
}
