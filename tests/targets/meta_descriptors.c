/* Holds one descriptor of each kind and says which: NAME FD [MORE]. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

static int port4(int descriptor)
{
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    getsockname(descriptor, (struct sockaddr *)&at, &size);
    return ntohs(at.sin_port);
}

static int bound4(int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    int descriptor = socket(AF_INET, type, 0);
    if (bind(descriptor, (struct sockaddr *)&at, sizeof at))
        exit(1);
    return descriptor;
}

int main(int count, char **arguments)
{
    /* Arguments: a file to write to, a file to delete, how many more descriptors to open. */
    if (count < 4)
        return 1;
    int file = open(arguments[1], O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (write(file, "0123456789", 10) != 10)
        return 1;
    printf("file %d\n", file);
    int deleted = open(arguments[2], O_WRONLY | O_CREAT, 0600);
    unlink(arguments[2]);
    printf("deleted %d\n", deleted);
    printf("directory %d\n", open("/", O_RDONLY | O_DIRECTORY));
    printf("path %d\n", open("/", O_PATH));
    printf("null %d\n", open("/dev/null", O_RDONLY));
    printf("eventfd %d\n", eventfd(5, 0));
    printf("memfd %d\n", memfd_create("scratch", 0));
    printf("timerfd %d\n", timerfd_create(CLOCK_MONOTONIC, 0));
    int ends[2];
    if (pipe(ends))
        return 1;
    printf("pipe %d\n", ends[1]);
    struct epoll_event event = {.events = EPOLLIN};
    int poll = epoll_create1(0);
    epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event);
    printf("epoll %d %d\n", poll, ends[0]);

    int listening = bound4(SOCK_STREAM);
    listen(listening, 5);
    printf("tcp_listen %d %d\n", listening, port4(listening));
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    there.sin_port = htons(port4(listening));
    int connected = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connected, (struct sockaddr *)&there, sizeof there))
        return 1;
    printf("tcp %d %d\n", connected, port4(connected));
    int accepted = accept(listening, NULL, NULL);
    if (write(accepted, "abc", 3) != 3)
        return 1;
    printf("tcp_accepted %d\n", accepted);
    int datagrams = bound4(SOCK_DGRAM);
    printf("udp %d %d\n", datagrams, port4(datagrams));

    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    socklen_t size = sizeof six;
    int wide = socket(AF_INET6, SOCK_STREAM, 0);
    if (wide >= 0 && !bind(wide, (struct sockaddr *)&six, sizeof six) && !listen(wide, 1)) {
        getsockname(wide, (struct sockaddr *)&six, &size);
        printf("tcp6 %d %d\n", wide, ntohs(six.sin6_port));
    }
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    int length = sprintf(local.sun_path + 1, "msl test %d", getpid());
    int named = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (bind(named, (struct sockaddr *)&local,
             offsetof(struct sockaddr_un, sun_path) + 1 + length) ||
        listen(named, 1))
        return 1;
    printf("unix %d %d\n", named, getpid());
    struct sockaddr_nl route = {.nl_family = AF_NETLINK};
    int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    bind(netlink, (struct sockaddr *)&route, sizeof route);
    printf("netlink %d\n", netlink);
    printf("unbound %d\n", socket(AF_INET, SOCK_STREAM, 0));
    for (int more = atoi(arguments[3]); more > 0; more--)
        dup(file);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
