/* For Windows: a heap of known size, and a thread that notes the longest time for which it did not run.
 *
 * Argument: MiB. It prints "pid N" and "ready". On stdin "gap" prints the longest gap since it was asked
 * last, in microseconds.
 */
#include <windows.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile LONG64 longest;

static int64_t now(void)
{
    LARGE_INTEGER at, second;
    QueryPerformanceCounter(&at);
    QueryPerformanceFrequency(&second);
    return (int64_t)((double)at.QuadPart * 1e6 / (double)second.QuadPart);
}

static DWORD WINAPI beat(void *ignored)
{
    (void)ignored;
    for (int64_t before = now(), at;; before = at) {
        Sleep(1);
        at = now();
        if (at - before > longest)
            InterlockedExchange64(&longest, at - before);
    }
    return 0;
}

int main(int argc, char **argv)
{
    size_t size = (size_t)(argc > 1 ? atoi(argv[1]) : 16) << 20;
    uint64_t *heap = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    char line[16];
    if (!heap)
        return 1;
    for (size_t i = 0; i < size / 8; i++)
        heap[i] = i * 0x9E3779B97F4A7C15ull;
    CreateThread(NULL, 0, beat, NULL, 0, NULL);
    printf("pid %lu\nready\n", GetCurrentProcessId());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        printf("gap %lld\n", (long long)InterlockedExchange64(&longest, 0));
        fflush(stdout);
    }
    return 0;
}
