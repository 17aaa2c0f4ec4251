/* Runs the target for libFuzzer over files, where there is no libFuzzer. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.c"

int main(int count, char **paths)
{
    int index;

    for (index = 1; index < count; index++) {
        FILE *input = fopen(paths[index], "rb");
        uint8_t *data;
        size_t size;

        if (input == NULL || fseek(input, 0, SEEK_END) != 0) {
            return 2;
        }
        size = (size_t)ftell(input);
        data = malloc(size == 0 ? 1 : size); /* of its size: a byte too many is seen */
        rewind(input);
        if (data == NULL || fread(data, 1, size, input) != size || fclose(input) != 0) {
            return 2;
        }
        (void)LLVMFuzzerTestOneInput(data, size);
        free(data);
    }
    return 0;
}
