/* freeze_filtered in 32-bit code, without a library, so that it can be built nearly everywhere:
 * -m32 -nostdlib -static. It waits in nanosleep, one second each.
 *
 * freeze_filtered_i386 CALL ACTION WHERE SLOTS
 *
 * ACTION: kill_process or allow; CALL and WHERE are ignored; SLOTS as there.
 */

/* The kernel's headers for 32 bits may be missing. */
struct sock_filter {
	unsigned short code;
	unsigned char jt, jf;
	unsigned k;
};
struct sock_fprog {
	unsigned short len;
	struct sock_filter *filter;
};
#define LOAD 0x20
#define IF_EQUAL 0x15
#define RETURN 0x06
#define ARCHITECTURE 0x40000003
#define KILL 0x80000000
#define ALLOW 0x7fff0000

#define WRITE 4
#define OPEN 5
#define PRCTL 172
#define NANOSLEEP 162
#define MMAP2 192
#define EXIT 252

static int call(int number, int a, int b, int c, int d, int e)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return result;
}

static int map(int file)
{
	int result;

	/* MAP_SHARED; the offset goes into ebp, which the compiler won't give away. */
	__asm__ volatile("push %%ebp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%ebp"
			 : "=a"(result)
			 : "a"(MMAP2), "b"(0), "c"(4096), "d"(3), "S"(1), "D"(file)
			 : "memory");
	return result;
}

__attribute__((used)) void begin(char **stack)
{
	char **arguments = stack + 1;
	unsigned what = arguments[2][0] == 'k' ? KILL : ALLOW;
	struct sock_filter program[] = {
		{LOAD, 0, 0, 4},
		{IF_EQUAL, 1, 0, ARCHITECTURE},
		{RETURN, 0, 0, KILL},
		{LOAD, 0, 0, 0},
		{IF_EQUAL, 0, 1, 0}, /* restart_syscall */
		{RETURN, 0, 0, what},
		{RETURN, 0, 0, ALLOW},
	};
	struct sock_fprog whole = {sizeof program / sizeof *program, program};
	volatile unsigned long long *slots;
	int file = call(OPEN, (int)arguments[4], 2, 0, 0, 0);

	slots = (void *)map(file);
	if (file < 0 || (unsigned)slots > 0xFFFFF000u)
		call(EXIT, 3, 0, 0, 0, 0);
	if (call(PRCTL, 38, 1, 0, 0, 0) || call(PRCTL, 22, 2, (int)&whole, 0, 0))
		call(EXIT, 4, 0, 0, 0, 0);
	call(WRITE, 1, (int)"ready\n", 6, 0, 0);
	for (;;) {
		int time[2] = {1, 0};

		slots[3]++;
		int result = call(NANOSLEEP, (int)time, 0, 0, 0, 0);
		slots[0]++;
		if (result == -4)
			slots[1]++;
		else if (result)
			slots[2]++;
	}
}

__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n"
	"\tpush %eax\n\tcall begin\n"
	"\t.section .note.GNU-stack,\"\",@progbits\n\t.text\n");
