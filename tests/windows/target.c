/* A target for Windows that knows what it holds, and says so: a line each, then "ready".
 *
 * Arguments: a file that it makes and maps; and, anything, for a thread that spins.
 * Words on stdin: "end". It prints "tick N" on demand ("tick"): how often its counters were moved.
 *
 *   region NAME ADDRESS SIZE PROTECT PATTERN     every byte is known: PATTERN is a seed, or "none"
 *   reserved NAME ADDRESS SIZE
 *   thread NAME ID START TEB STACK_BASE STACK_LIMIT
 *   register THREAD NAME VALUE
 *   name THREAD TEXT
 *   query BASE ALLOCATION SIZE STATE PROTECT TYPE
 *   wide THREAD NUMBER VALUE            a vector register: VALUE four times, if there is AVX
 *   handle NAME VALUE TYPE
 *   listens PORT
 *   sid TEXT
 *   version ADDRESS TEXT                of the file that this module was loaded from
 *
 * It is linked with -lws2_32 -lversion.
 */
#define _WIN32_WINNT 0x0A00
#include <winsock2.h>
#include <windows.h>
#include <psapi.h>
#include <sddl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PAGE 4096

static volatile LONG64 ticks;
/* Two counters on pages far apart, moved together: a capture of one moment sees no difference
 * above one. */
static volatile uint64_t *first_counter, *last_counter;
static volatile int go_on = 1;

static void fill(void *at, size_t size, uint64_t seed)
{
    uint64_t *words = at;
    for (size_t i = 0; i < size / 8; i++)
        words[i] = seed * 0x9E3779B97F4A7C15ull + i;
}

static void *allot(const char *name, size_t pages, DWORD protect, uint64_t seed)
{
    void *at = VirtualAlloc(NULL, pages * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    DWORD before;
    fill(at, pages * PAGE, seed);
    VirtualProtect(at, pages * PAGE, protect, &before);
    printf("region %s %p %zu %lx %llu\n", name, at, pages * PAGE, protect, (unsigned long long)seed);
    return at;
}

static void words_of_thread(const char *name)
{
    NT_TIB *teb = (NT_TIB *)NtCurrentTeb();
    printf("thread %s %lu %p %p %p\n", name, GetCurrentThreadId(), (void *)teb, teb->StackBase,
           teb->StackLimit);
}

/* Loads what it has said into registers, and keeps it there. */
static DWORD WINAPI spin(void *ignored)
{
    (void)ignored;
    words_of_thread("spin");
    printf("register spin rax 0x1111111111111111\nregister spin rbx 0x2222222222222222\n"
           "register spin rsi 0x3333333333333333\nregister spin rdi 0x4444444444444444\n"
           "register spin r8 0x8888888888888888\nregister spin r12 0xcccccccccccccccc\n"
           "register spin r15 0xffffffffffffffff\nregister spin xmm0 0x1111111111111111\n"
           "register spin xmm7 0x2222222222222222\n");
    fflush(stdout);
    if (__builtin_cpu_supports("avx")) { /* no call from here on: it may use the upper halves */
        printf("wide spin 8 0x5a5aa5a55a5aa5a5\n");
        fflush(stdout);
        __asm__ volatile("vmovq %0, %%xmm8\n vpunpcklqdq %%xmm8, %%xmm8, %%xmm8\n"
                         "vinsertf128 $1, %%xmm8, %%ymm8, %%ymm8\n"
                         :
                         : "r"(0x5a5aa5a55a5aa5a5ull)
                         : "xmm8");
    }
    __asm__ volatile(
        "movabs $0x1111111111111111, %%rax\n movabs $0x2222222222222222, %%rbx\n"
        "movabs $0x3333333333333333, %%rsi\n movabs $0x4444444444444444, %%rdi\n"
        "movabs $0x8888888888888888, %%r8\n movabs $0xcccccccccccccccc, %%r12\n"
        "movabs $0xffffffffffffffff, %%r15\n movq %%rax, %%xmm0\n movq %%rbx, %%xmm7\n"
        "1: pause\n pause\n pause\n pause\n cmpl $0, (%0)\n jne 1b\n"
        :
        : "c"(&go_on)
        : "rax", "rbx", "rsi", "rdi", "r8", "r12", "r15", "xmm0", "xmm7", "memory");
    return 0;
}

static DWORD WINAPI count(void *ignored)
{
    (void)ignored;
    while (go_on) {
        ++*first_counter;
        ++*last_counter;
        InterlockedIncrement64(&ticks);
        if ((*last_counter & 255) == 0)
            Sleep(1);
    }
    return 0;
}

static DWORD WINAPI briefly(void *ignored)
{
    (void)ignored;
    Sleep(2);
    return 0;
}

static DWORD WINAPI come_and_go(void *ignored)
{
    (void)ignored;
    while (go_on) {
        HANDLE one = CreateThread(NULL, 0, briefly, NULL, 0, NULL);
        if (one) {
            WaitForSingleObject(one, INFINITE);
            CloseHandle(one);
        }
        Sleep(5);
    }
    return 0;
}

static void mapped(const wchar_t *file)
{
    HANDLE handle = CreateFileW(file, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    static char data[3 * PAGE];
    DWORD done;
    fill(data, sizeof data, 71);
    WriteFile(handle, data, sizeof data, &done, NULL);
    HANDLE section = CreateFileMappingW(handle, NULL, PAGE_READWRITE, 0, 0, NULL);
    void *view = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
    printf("region file %p %zu %x 71\n", view, sizeof data, PAGE_READONLY);
    void *copy = MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0);
    fill((char *)copy + PAGE, PAGE, 72);
    printf("region copied %p %d %x 72\n", (void *)((char *)copy + PAGE), PAGE, PAGE_READWRITE);
    HANDLE shared = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4 * PAGE,
                                       L"msl-construct-section");
    void *seen = MapViewOfFile(shared, FILE_MAP_WRITE, 0, 0, 0);
    fill(seen, 4 * PAGE, 73);
    printf("region section %p %d %x 73\n", seen, 4 * PAGE, PAGE_READWRITE);
}

static void handles(void)
{
    HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
    HANDLE mutant = CreateMutexW(NULL, FALSE, NULL);
    HANDLE key;
    if (!RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software", 0, KEY_READ, (HKEY *)&key))
        printf("handle key %llu Key\n", (unsigned long long)(uintptr_t)key);
    printf("handle event %llu Event\nhandle mutant %llu Mutant\n",
           (unsigned long long)(uintptr_t)event, (unsigned long long)(uintptr_t)mutant);
}

static void listens(void)
{
    WSADATA data;
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int size = sizeof place;
    if (WSAStartup(0x202, &data))
        return;
    SOCKET one = socket(AF_INET, SOCK_STREAM, 0);
    if (!bind(one, (void *)&place, size) && !listen(one, 1) &&
        !getsockname(one, (void *)&place, &size))
        printf("listens %u\n", ntohs(place.sin_port));
}

static void user(void)
{
    HANDLE token;
    char room[1024], *text;
    DWORD size = sizeof room;
    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) &&
        GetTokenInformation(token, TokenUser, room, size, &size) &&
        ConvertSidToStringSidA(((TOKEN_USER *)room)->User.Sid, &text))
        printf("sid %s\n", text);
}

static void version(const wchar_t *name)
{
    static char room[1 << 16];
    wchar_t path[MAX_PATH];
    VS_FIXEDFILEINFO *found;
    UINT size;
    HMODULE module = GetModuleHandleW(name);
    GetModuleFileNameW(module, path, MAX_PATH);
    if (GetFileVersionInfoW(path, 0, sizeof room, room) &&
        VerQueryValueW(room, L"\\", (void **)&found, &size))
        printf("version %p %u.%u.%u.%u\n", (void *)module, HIWORD(found->dwFileVersionMS),
               LOWORD(found->dwFileVersionMS), HIWORD(found->dwFileVersionLS),
               LOWORD(found->dwFileVersionLS));
}

static void query_all(void)
{
    MEMORY_BASIC_INFORMATION found;
    for (char *at = NULL; VirtualQuery(at, &found, sizeof found);
         at = (char *)found.BaseAddress + found.RegionSize)
        if (found.State != MEM_FREE)
            printf("query %p %p %zu %lx %lx %lx\n", found.BaseAddress, found.AllocationBase,
                   found.RegionSize, found.State, found.Protect, found.Type);
}

int wmain(int argc, wchar_t **argv)
{
    DWORD before;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    printf("pid %lu\n", GetCurrentProcessId());
    words_of_thread("main");
    allot("private", 16, PAGE_READWRITE, 11);
    allot("readonly", 3, PAGE_READONLY, 12);
    allot("rwx", 2, PAGE_EXECUTE_READWRITE, 13);
    allot("guard", 2, PAGE_READWRITE | PAGE_GUARD, 14);
    allot("noaccess", 2, PAGE_NOACCESS, 15);
    char *holed = allot("holed", 8, PAGE_READWRITE, 16);
    VirtualProtect(holed + 3 * PAGE, PAGE, PAGE_READWRITE | PAGE_GUARD, &before);
    printf("region hole %p %d %x none\n", holed + 3 * PAGE, PAGE, PAGE_READWRITE | PAGE_GUARD);
    void *reserved = VirtualAlloc(NULL, 1 << 30, MEM_RESERVE, PAGE_READWRITE);
    printf("reserved large %p %d\n", reserved, 1 << 30);
    void *inside = VirtualAlloc((char *)reserved + 64 * PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE);
    fill(inside, PAGE, 17);
    printf("region inside %p %d %x 17\n", inside, PAGE, PAGE_READWRITE);
    HANDLE heap = HeapCreate(HEAP_CREATE_ENABLE_EXECUTE, 0, 0);
    void *block = HeapAlloc(heap, 0, 8 * PAGE);
    fill(block, 8 * PAGE, 18);
    printf("block heap %p %d 18\n", block, 8 * PAGE);
    void *usual = HeapAlloc(GetProcessHeap(), 0, 4 * PAGE);
    fill(usual, 4 * PAGE, 19);
    printf("block usual %p %d 19\n", usual, 4 * PAGE);
    if (argc > 1)
        mapped(argv[1]);
    char *counters = VirtualAlloc(NULL, 4096 * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    first_counter = (uint64_t *)counters;
    last_counter = (uint64_t *)(counters + 4095 * PAGE);
    printf("counters %p %p\n", (void *)first_counter, (void *)last_counter);
    if (argc > 2)
        CreateThread(NULL, 0, spin, NULL, 0, NULL);
    CreateThread(NULL, 0, count, NULL, 0, NULL);
    CreateThread(NULL, 0, come_and_go, NULL, 0, NULL);
    CreateThread(NULL, 0, briefly, NULL, CREATE_SUSPENDED, &before);
    printf("suspended %lu\n", before);
    HRESULT(WINAPI * name)(HANDLE, PCWSTR) = (void *)GetProcAddress(
        GetModuleHandleA("kernelbase"), "SetThreadDescription");
    if (name) {
        name(GetCurrentThread(), L"main \x00e4 \x540d");
        printf("named main\n");
    }
    handles();
    listens();
    user();
    version(L"ntdll.dll");
    version(L"kernel32.dll");
    Sleep(200);
    query_all();
    printf("ready\n");
    fflush(stdout);
    for (char word[80]; fgets(word, sizeof word, stdin);) {
        if (!strncmp(word, "end", 3))
            break;
        printf("tick %lld\n", (long long)InterlockedIncrement64(&ticks));
        fflush(stdout);
    }
    go_on = 0;
    return 0;
}
