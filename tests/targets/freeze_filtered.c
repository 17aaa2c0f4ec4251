/* Waits in a system call that goes on by restart_syscall, under a seccomp filter.
 *
 * freeze_filtered CALL ACTION WHERE SLOTS
 *
 * CALL: nanosleep, clock_nanosleep, poll, futex; read (which goes on as itself)
 * ACTION of the filter for what it forbids: kill_process, kill_thread, trap, errno, allow
 * WHERE: all (the leader waits, with the filter), thread (another thread alone has it),
 *   stacked (two filters, the second of which forbids), arguments (forbids by an argument that
 *   restart_syscall has from the call that it goes on with), late (the filter comes from another
 *   thread, when the leader waits already, and forbids the very call; after EINTR it does not try again), strict (mode 1, read)
 * SLOTS: a file of 64-bit words: 0 counts calls that came back (1: of these with EINTR, 2: with
 *   another error), 3: the thread is about to wait
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>

#if defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE AUDIT_ARCH_X86_64
#endif
#define SECONDS 1

static volatile uint64_t *slots;
static const char *call, *action;
static uint32_t word;
static int pipe_ends[2], late;

static uint32_t verdict(void)
{
	if (!strcmp(action, "kill_process"))
		return SECCOMP_RET_KILL_PROCESS;
	if (!strcmp(action, "kill_thread"))
		return SECCOMP_RET_KILL_THREAD;
	if (!strcmp(action, "trap"))
		return SECCOMP_RET_TRAP;
	if (!strcmp(action, "errno"))
		return SECCOMP_RET_ERRNO | ENOSYS;
	return SECCOMP_RET_ALLOW;
}

static void filter(uint32_t number, uint32_t what, int for_all)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_MEM, 3),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, what),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog whole = {sizeof program / sizeof *program, program};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(90);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, for_all ? SECCOMP_FILTER_FLAG_TSYNC : 0,
		    &whole))
		_exit(91);
}

/* Of restart_syscall, where an argument has the value it has in our poll: no descriptors. */
static void filter_arguments(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, verdict()),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog whole = {sizeof program / sizeof *program, program};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &whole))
		_exit(92);
}

static long wait_once(void)
{
	struct timespec time = {SECONDS, 0};
	char byte;

	if (!strcmp(call, "poll"))
		return poll(NULL, 0, SECONDS * 1000);
	if (!strcmp(call, "clock_nanosleep"))
		return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL);
	if (!strcmp(call, "futex"))
		return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0);
	if (!strcmp(call, "read"))
		return read(pipe_ends[0], &byte, 1);
	return syscall(SYS_nanosleep, &time, NULL);
}

static void wait_for_ever(void)
{
	for (;;) {
		slots[3]++;
		errno = 0;
		long result = wait_once();
		slots[0]++;
		if (result < 0 && errno == EINTR) {
			slots[1]++;
			while (late)
				pause();
		}
		if (result < 0 && errno != EINTR && errno != ETIMEDOUT)
			slots[2]++;
	}
}

static void *waiting(void *with_filter)
{
	if (with_filter)
		filter(SYS_restart_syscall, verdict(), 0);
	wait_for_ever();
	return NULL;
}

static void *filtering_late(void *unused)
{
	struct timespec time = {0, 200000000};

	(void)unused;
	while (!slots[3])
		;
	nanosleep(&time, NULL);
	filter(SYS_read, verdict(), 1);
	syscall(SYS_write, 1, "ready\n", 6);
	for (;;)
		pause();
}

int main(int count, char **arguments)
{
	pthread_t thread;

	if (count != 5)
		return 2;
	call = arguments[1];
	action = arguments[2];
	const char *where = arguments[3];
	int file = open(arguments[4], O_RDWR | O_CREAT, 0666);
	if (file < 0 || ftruncate(file, 4096) || pipe(pipe_ends))
		return 3;
	slots = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (slots == MAP_FAILED)
		return 4;
	if (!strcmp(where, "late")) {
		late = 1;
		pthread_create(&thread, NULL, filtering_late, NULL);
		wait_for_ever();
	}
	if (!strcmp(where, "thread")) {
		pthread_create(&thread, NULL, waiting, &thread);
		while (!slots[3])
			;
		syscall(SYS_write, 1, "ready\n", 6);
		for (;;)
			pause();
	}
	if (!strcmp(where, "stacked"))
		filter(SYS_uname, SECCOMP_RET_ERRNO | EPERM, 0);
	if (!strcmp(where, "arguments"))
		filter_arguments();
	else if (!strcmp(where, "strict"))
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	else
		filter(SYS_restart_syscall, verdict(), 0);
	syscall(SYS_write, 1, "ready\n", 6);
	wait_for_ever();
}
