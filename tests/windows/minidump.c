/* Wine's (or Windows') dbghelp: "write PID FILE full|normal" makes a minidump of a process, "read FILE"
 * says what MiniDumpReadDumpStream finds in one: a line each. */
#include <windows.h>
#include <dbghelp.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

static void *stream(void *base, ULONG kind, ULONG *size)
{
    MINIDUMP_DIRECTORY *where = NULL;
    void *found = NULL;
    if (!MiniDumpReadDumpStream(base, kind, &where, &found, size)) {
        printf("lacks %lu\n", kind);
        return NULL;
    }
    return found;
}

static int read_file(const wchar_t *name)
{
    HANDLE file = CreateFileW(name, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE section = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    char *base = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
    ULONG size;
    if (!base)
        return 1;
    MINIDUMP_SYSTEM_INFO *system = stream(base, SystemInfoStream, &size);
    if (system)
        printf("system %u %u\n", system->ProcessorArchitecture, system->PlatformId);
    MINIDUMP_THREAD_LIST *threads = stream(base, ThreadListStream, &size);
    for (ULONG i = 0; threads && i < threads->NumberOfThreads; i++) {
        MINIDUMP_THREAD thread;
        memcpy(&thread, &threads->Threads[i], sizeof thread);
        CONTEXT context;
        memcpy(&context, base + thread.ThreadContext.Rva, sizeof context);
        printf("thread %u %llx %llx %llx %llx\n", thread.ThreadId, thread.Teb, context.Rip,
               context.Rbx, context.R12);
    }
    MINIDUMP_MODULE_LIST *modules = stream(base, ModuleListStream, &size);
    for (ULONG i = 0; modules && i < modules->NumberOfModules; i++) {
        MINIDUMP_MODULE module;
        memcpy(&module, &modules->Modules[i], sizeof module);
        MINIDUMP_STRING *text = (void *)(base + module.ModuleNameRva);
        char name[2000] = "";
        WideCharToMultiByte(CP_UTF8, 0, text->Buffer, text->Length / 2, name, sizeof name - 1, 0, 0);
        printf("module %llx %x %s\n", module.BaseOfImage, module.SizeOfImage, name);
    }
    MINIDUMP_MEMORY64_LIST *memory = stream(base, Memory64ListStream, &size);
    RVA64 at = memory ? memory->BaseRva : 0;
    for (ULONG64 i = 0; memory && i < memory->NumberOfMemoryRanges; i++) {
        MINIDUMP_MEMORY_DESCRIPTOR64 range;
        memcpy(&range, &memory->MemoryRanges[i], sizeof range);
        ULONG64 sum = 0, word;
        for (ULONG64 n = 0; n + 8 <= range.DataSize; n += 8) {
            memcpy(&word, base + at + n, 8);
            sum = sum * 31 + word;
        }
        printf("memory %llx %llx %llx\n", range.StartOfMemoryRange, range.DataSize, sum);
        at += range.DataSize;
    }
    MINIDUMP_MEMORY_INFO_LIST *infos = stream(base, MemoryInfoListStream, &size);
    if (infos)
        printf("infos %llu\n", infos->NumberOfEntries);
    return 0;
}

static int write_file(DWORD pid, const wchar_t *name, const wchar_t *kind)
{
    HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, pid);
    HANDLE file = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    MINIDUMP_TYPE type = wcscmp(kind, L"full") ? MiniDumpNormal : MiniDumpWithFullMemory;
    LARGE_INTEGER before, after, second;
    QueryPerformanceFrequency(&second);
    QueryPerformanceCounter(&before);
    if (!MiniDumpWriteDump(process, pid, file, type, NULL, NULL, NULL)) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    QueryPerformanceCounter(&after);
    printf("seconds %f\n", (double)(after.QuadPart - before.QuadPart) / (double)second.QuadPart);
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    if (argc == 3 && !wcscmp(argv[1], L"read"))
        return read_file(argv[2]);
    if (argc == 5 && !wcscmp(argv[1], L"write"))
        return write_file((DWORD)wcstoul(argv[2], NULL, 10), argv[3], argv[4]);
    return 2;
}
