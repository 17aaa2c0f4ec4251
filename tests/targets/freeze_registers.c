/* A thread with known values in its registers, which it keeps.
 *
 * Says: level LEVEL (0 SSE, 1 AVX, 2 AVX-512), thread TID, counter ADDRESS (where it loops),
 * stack ADDRESS (its rsp), pointer ADDRESS (its fs base), ready.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

struct values {
    unsigned char vectors[32][64]; /* byte j of vector i is 7 i + j */
    unsigned long masks[8];
    unsigned long stack; /* offset 2112 */
    unsigned long pointer;
    unsigned int control; /* offset 2128: MXCSR */
    volatile unsigned int loaded; /* offset 2132 */
};
_Static_assert(__builtin_offsetof(struct values, stack) == 2112, "the code below knows it");
_Static_assert(__builtin_offsetof(struct values, control) == 2128, "the code below knows it");
_Static_assert(__builtin_offsetof(struct values, loaded) == 2132, "the code below knows it");

static struct values values;
static int level;
static volatile long thread_id;
extern char here[];
void load_and_stay(struct values *, long level);

__asm__(".text\n"
        ".globl load_and_stay, here\n"
        "load_and_stay:\n"
        "  mov %rsp, 2112(%rdi)\n"
        "  fninit\n"
        "  fld1\n"
        "  fldpi\n"
        "  ldmxcsr 2128(%rdi)\n"
        "  cmp $2, %rsi\n"
        "  je 2f\n"
        "  cmp $1, %rsi\n"
        "  je 1f\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  movdqu \\n*64(%rdi), %xmm\\n\n"
        "  .endr\n"
        "  jmp 3f\n"
        "1:\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  vmovdqu \\n*64(%rdi), %ymm\\n\n"
        "  .endr\n"
        "  jmp 3f\n"
        "2:\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"
        "30,31\n"
        "  vmovdqu64 \\n*64(%rdi), %zmm\\n\n"
        "  .endr\n"
        "  .irp n,0,1,2,3,4,5,6,7\n"
        "  kmovq 2048+\\n*8(%rdi), %k\\n\n"
        "  .endr\n"
        "3:\n"
        "  movl $1, 2132(%rdi)\n"
        "  movabs $0xa0a1a2a3a4a5a6a7, %rax\n"
        "  movabs $0xb0b1b2b3b4b5b6b7, %rbx\n"
        "  movabs $0xc0c1c2c3c4c5c6c7, %rcx\n"
        "  movabs $0xd0d1d2d3d4d5d6d7, %rdx\n"
        "  movabs $0xe0e1e2e3e4e5e6e7, %rsi\n"
        "  movabs $0xf0f1f2f3f4f5f6f7, %rdi\n"
        "  movabs $0x9091929394959697, %rbp\n"
        "  movabs $0x0808080808080808, %r8\n"
        "  movabs $0x0909090909090909, %r9\n"
        "  movabs $0x1010101010101010, %r10\n"
        "  movabs $0x1111111111111111, %r11\n"
        "  movabs $0x1212121212121212, %r12\n"
        "  movabs $0x1313131313131313, %r13\n"
        "  movabs $0x1414141414141414, %r14\n"
        "  movabs $0x1515151515151515, %r15\n"
        "  stc\n"
        "here:\n"
        "  jmp here\n"
        ".section .note.GNU-stack,\"\",@progbits\n"
        ".text\n");

static void *holder(void *unused)
{
    (void)unused;
    values.pointer = (unsigned long)pthread_self();
    thread_id = syscall(SYS_gettid);
    load_and_stay(&values, level);
    return NULL;
}

int main(void)
{
    __builtin_cpu_init();
    level = __builtin_cpu_supports("avx512bw") ? 2 : __builtin_cpu_supports("avx") ? 1 : 0;
    for (int number = 0; number < 32; number++)
        for (int byte = 0; byte < 64; byte++)
            values.vectors[number][byte] = (unsigned char)(7 * number + byte);
    for (int number = 0; number < 8; number++)
        values.masks[number] = 0x0123456789abcdefUL + (unsigned long)number;
    values.control = 0x9f80;
    pthread_t thread;
    pthread_create(&thread, NULL, holder, NULL);
    while (!values.loaded)
        usleep(1000);
    usleep(10000);
    printf("level %d\nthread %ld\ncounter %#lx\nstack %#lx\npointer %#lx\nready\n", level, thread_id,
           (unsigned long)here, values.stack, values.pointer);
    fflush(stdout);
    for (;;)
        pause();
}
