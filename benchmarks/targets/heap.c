/* heap MIB random|objects [UNTOUCHED_MIB] [HEARTBEAT]
 *
 * A heap of so many MiB, all of it written to: random numbers, or what looks like the objects of
 * an interpreter. Besides, a mapping that nobody ever touched.
 */
#include "target.h"
#include <malloc.h>

static const char *const words[] = {
    "customer", "address", "order", "identifier", "status", "pending", "delivered", "street",
    "http://www.example.org/item/", "quantity", "description", "timestamp", "None", "/usr/lib/",
    "total", "session", "content-type", "application/json", "user", "value", "name", "price",
};

/* Objects of 48 to 112 bytes: a count of references, one of some types, pointers to objects
 * nearby, a hash, and text or zeros. Of real heaps it has the proportions that compressors find:
 * see the ratios in the table. */
static void objects(uint64_t *memory, size_t bytes)
{
    size_t at = 0, end = bytes / sizeof *memory;
    while (at + 16 <= end) {
        uint64_t chance = random_word();
        uint64_t *object = memory + at;
        size_t size = 6 + 2 * (chance & 3);
        memset(object, 0, size * sizeof *object);
        object[0] = 1 + ((chance >> 8) % 16 == 0 ? (chance >> 16) % 5 : 0);
        object[1] = 0x7f3a0cc54000ULL + 416 * ((chance >> 24) % 100 < 85 ? (chance >> 32) % 4
                                                                       : (chance >> 32) % 60);
        object[2] = size;
        if ((chance >> 44) % 5 < 2) {
            const char *word = words[(chance >> 48) % (sizeof words / sizeof *words)];
            object[3] = (chance >> 45) % 32 == 0 ? random_word() : ~0ULL;
            snprintf((char *)(object + 4), (size - 4) * sizeof *object, "%s%u", word,
                     (unsigned)(chance >> 60));
        } else {
            object[3] = (uint64_t)(uintptr_t)(object - 2 * size * ((chance >> 48) % 16));
            for (size_t slot = 4; slot < size - 1; slot++) /* None, True and the like */
                object[slot] = 0x7f3a0cd00100ULL + 32 * ((chance >> 52) % 3);
        }
        at += size;
    }
    memset(memory + at, 0, (end - at) * sizeof *memory);
}

int main(int count, char **values)
{
    unsigned long pieces = argument(count, values, 1);
    int random = count > 2 && strcmp(values[2], "random") == 0;
    mallopt(M_MMAP_THRESHOLD, 16 * MIB); /* so that it all lies in [heap] */
    for (unsigned long piece = 0; piece < pieces; piece++) {
        uint64_t *memory = malloc(MIB);
        if (memory == NULL)
            fail("malloc");
        if (random)
            for (size_t word = 0; word < MIB / sizeof *memory; word++)
                memory[word] = random_word();
        else
            objects(memory, MIB);
    }
    if (argument(count, values, 3) != 0)
        map_memory(argument(count, values, 3) * MIB);
    serve(argument(count, values, 4) != 0);
}
