/* A target that does to its memory, for ever, what Wine shows otherwise than Windows: pages that are
 * committed and decommitted, a guard page in the middle of what is read, pages without access. */
#include <windows.h>
#include <stdio.h>

#define PAGE 4096

int main(void)
{
    DWORD before;
    char *guarded = VirtualAlloc(NULL, 64 * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    memset(guarded, 0x11, 64 * PAGE);
    VirtualProtect(guarded + 32 * PAGE, PAGE, PAGE_READWRITE | PAGE_GUARD, &before);
    char *closed = VirtualAlloc(NULL, 4 * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    memset(closed, 0x22, 4 * PAGE);
    VirtualProtect(closed + PAGE, PAGE, PAGE_NOACCESS, &before);
    char *moving = VirtualAlloc(NULL, 256 * PAGE, MEM_RESERVE, PAGE_READWRITE);
    printf("pid %lu\nguarded %p\nclosed %p\nmoving %p\nready\n", GetCurrentProcessId(),
           (void *)guarded, (void *)closed, (void *)moving);
    fflush(stdout);
    for (unsigned n = 0;; n++) {
        VirtualAlloc(moving, 256 * PAGE, MEM_COMMIT, PAGE_READWRITE);
        memset(moving, (int)(n & 0xFF), 256 * PAGE);
        MEMORY_BASIC_INFORMATION found;
        VirtualQuery(guarded + 32 * PAGE, &found, sizeof found);
        if (!(found.Protect & PAGE_GUARD)) {
            printf("guard raised\n");
            fflush(stdout);
            return 1;
        }
        VirtualFree(moving, 128 * PAGE, MEM_DECOMMIT);
        Sleep(1);
    }
}
