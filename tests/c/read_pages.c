/* Prints what msl_read_page() says of addresses of a dump: read_pages DUMP, addresses on stdin. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "msl.h"

int main(int count, char **arguments)
{
    FILE *input = count == 2 ? fopen(arguments[1], "rb") : NULL;
    uint64_t address;
    msl_file file;
    msl_page page;
    uint8_t *data;
    size_t size;

    if (input == NULL || fseek(input, 0, SEEK_END) != 0) {
        return 2;
    }
    size = (size_t)ftell(input);
    data = malloc(size + 1); /* a byte more, or a file of none has no address */
    rewind(input);
    if (data == NULL || fread(data, 1, size, input) != size || fclose(input) != 0) {
        return 2;
    }
    if (msl_open(data, size, &file) != MSL_OK) {
        free(data);
        return 3;
    }
    while (scanf("%" SCNx64, &address) == 1) {
        enum msl_status status = msl_read_page(&file, address, &page);
        size_t index;

        printf("%d %zu 0x%" PRIx64 " %s ", status, page.unread, page.address,
               page.bytes.data == NULL ? msl_page_state_name(page.state) : "captured");
        for (index = 0; index < page.bytes.length; index++) {
            printf("%02x", page.bytes.data[index]);
        }
        printf("\n");
    }
    free(data);
    return 0;
}
