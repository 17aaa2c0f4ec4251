/* Key schedules of AES with keys from /dev/urandom, in both byte orders, on heap and stack and in
 * a global; says how each begins, which is its key, then "ready". Written from FIPS 197. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t box[256];

static uint8_t times(uint8_t a, uint8_t b)
{
    uint8_t sum = 0;
    for (; b; b >>= 1, a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0)))
        if (b & 1)
            sum ^= a;
    return sum;
}

static void make_box(void)
{
    for (int one = 0; one < 256; one++) {
        uint8_t inverse = 0;
        for (int other = 1; other < 256; other++)
            if (times((uint8_t)one, (uint8_t)other) == 1)
                inverse = (uint8_t)other;
        uint8_t bits = inverse;
        for (int shift = 1; shift < 5; shift++)
            bits ^= (uint8_t)(inverse << shift | inverse >> (8 - shift));
        box[one] = bits ^ 0x63;
    }
}

static void expand(uint8_t *out, const uint8_t *key, int size, int swapped)
{
    int words = size / 4, count = 4 * (words + 7);
    uint8_t constant = 1;
    memcpy(out, key, (size_t)size);
    for (int at = words; at < count; at++) {
        uint8_t last[4];
        memcpy(last, out + 4 * at - 4, 4);
        if (at % words == 0) {
            uint8_t first = last[0];
            last[0] = box[last[1]] ^ constant;
            last[1] = box[last[2]];
            last[2] = box[last[3]];
            last[3] = box[first];
            constant = times(constant, 2);
        } else if (words > 6 && at % words == 4) {
            for (int n = 0; n < 4; n++)
                last[n] = box[last[n]];
        }
        for (int n = 0; n < 4; n++)
            out[4 * at + n] = out[4 * (at - words) + n] ^ last[n];
    }
    for (int at = 0; swapped && at < count; at++) {
        uint8_t *word = out + 4 * at, a = word[0], b = word[1];
        word[0] = word[3];
        word[1] = word[2];
        word[2] = b;
        word[3] = a;
    }
}

static uint8_t global[240];

int main(void)
{
    uint8_t local[240], key[32];
    FILE *random = fopen("/dev/urandom", "rb");
    make_box();
    for (int n = 0; n < 6; n++) {
        int size = 16 + 8 * (n % 3);
        uint8_t *place = n == 0 ? global : n == 1 ? local : malloc(240);
        if (!random || fread(key, 1, (size_t)size, random) != (size_t)size)
            return 1;
        expand(place, key, size, n == 4);
        printf("aes_%d_key_schedule ", 8 * size);
        for (int at = 0; at < size; at++)
            printf("%02x", place[at]);
        puts("");
    }
    memset(key, 0, sizeof key);
    puts("ready");
    fflush(stdout);
    for (;;) {
        pause();
        __asm__ volatile("" : : "r"(local) : "memory");
    }
}
