/* Holds files that are in no folder: evidence files FOLDER | evidence fexecve PROGRAM
   | evidence lease FILE */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void fill(int descriptor, size_t size, char byte)
{
    char piece[65536];
    memset(piece, byte, sizeof piece);
    for (size_t done = 0; done < size; done += sizeof piece)
        if (write(descriptor, piece, sizeof piece) != sizeof piece)
            exit(2);
}

static int passing(const char *name)
{
    int descriptor = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (descriptor < 0)
        exit(3);
    unlink(name);
    return descriptor;
}

static void files(void)
{
    int small = passing("small");
    fill(small, 65536, 's');
    printf("small %d\n", small);
    printf("again %d\n", dup(small));

    int large = passing("large");
    fill(large, 3 << 20, 'l');
    printf("large %d\n", large);

    int sparse = passing("sparse");
    fill(sparse, 65536, 'a');
    lseek(sparse, 1 << 28, SEEK_SET);
    fill(sparse, 65536, 'z');
    if (ftruncate(sparse, (1 << 28) + (1 << 20)))
        exit(4);
    printf("sparse %d\n", sparse);

    int huge = passing("huge");
    if (ftruncate(huge, 1L << 42))
        exit(5);
    printf("huge %d\n", huge);

    int scratch = memfd_create("scratch", 0);
    fill(scratch, 65536, 'm');
    printf("memfd %d\n", scratch);

    if (mkfifo("fifo", 0600))
        exit(6);
    printf("fifo %d\n", open("fifo", O_RDWR));
    unlink("fifo");
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || pipe(ends))
        exit(7);

    int odd = passing("\n\x1b[31m\xff\xfe ..\\012 \"name\" (deleted)");
    fill(odd, 65536, 'o');
    printf("odd %d\n", odd);
    printf("kept %d\n", open("kept (deleted)", O_RDWR | O_CREAT | O_EXCL, 0600));
}

static void execute(const char *program)
{
    int from = open(program, O_RDONLY), to = memfd_create("../../evil\nname", MFD_CLOEXEC);
    char piece[65536], *none[] = {"memfd program", NULL};
    ssize_t got;
    while ((got = read(from, piece, sizeof piece)) > 0)
        if (write(to, piece, got) != got)
            exit(8);
    fexecve(to, none, none + 1);
    exit(9);
}

static void told(int number)
{
    (void)number;
    static const char text[] = "told\n";
    if (write(1, text, sizeof text - 1) < 0)
        _exit(10);
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 1;
    if (!strcmp(arguments[1], "fexecve"))
        execute(arguments[2]);
    if (!strcmp(arguments[1], "lease")) {
        signal(SIGIO, told);
        int held = open(arguments[2], O_RDWR | O_CREAT | O_EXCL, 0600);
        unlink(arguments[2]);
        if (fcntl(held, F_SETLEASE, F_WRLCK))
            return 11;
        printf("lease %d\n", held);
    } else {
        if (chdir(arguments[2]))
            return 12;
        files();
    }
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
