/* Overwrites its environment on the stack, as programs do that show a title there.

   environment zeros | title | part | keep
*/
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "keep";
    char *begin = environ[0], *end = begin;
    for (char **entry = environ; *entry; entry++)
        end = *entry + strlen(*entry) + 1;
    if (strcmp(how, "keep"))
        memset(strcmp(how, "part") ? begin : begin + strlen(begin) + 1, 0,
               end - begin - (strcmp(how, "part") ? 0 : strlen(begin) + 1));
    if (!strcmp(how, "title"))
        strcpy(begin, "worker: idle");
    puts("ready");
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof line, stdin))
        ;
    return 0;
}
