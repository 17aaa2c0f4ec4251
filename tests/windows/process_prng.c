/* bcryptprimitives.dll, which Wine 8 lacks and extensions written in Rust import. */
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID into, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE into, SIZE_T length)
{
    return SystemFunction036(into, (ULONG)length);
}
