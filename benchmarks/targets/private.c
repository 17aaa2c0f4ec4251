/* private MIB HUGE HEARTBEAT
 *
 * So many MiB of private memory, all of it written to, in huge pages (HUGE not 0) or surely in
 * small ones.
 */
#include "target.h"

int main(int count, char **values)
{
    size_t size = argument(count, values, 1) * MIB, huge = 2 * MIB;
    uintptr_t start = ((uintptr_t)map_memory(size + huge) + huge - 1) / huge * huge;
    if (madvise((void *)start, size, argument(count, values, 2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
        fail("madvise");
    for (size_t word = 0; word < size / sizeof(uint64_t); word++)
        ((uint64_t *)start)[word] = random_word();
    serve(argument(count, values, 3) != 0);
}
