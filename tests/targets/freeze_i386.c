/* 32-bit code with known values in its registers, without any library. */
static const char ready[] = "ready\n";
unsigned int vectors[8][4]; /* word j of vector i is i << 16 | j */

__attribute__((force_align_arg_pointer, used)) void begin(void)
{
    for (int number = 0; number < 8; number++)
        for (int word = 0; word < 4; word++)
            vectors[number][word] = (unsigned int)(number << 16 | word);
    __asm__ volatile(".irp n,0,1,2,3,4,5,6,7\n"
                     "  movdqu vectors+\\n*16, %%xmm\\n\n"
                     ".endr\n"
                     "int $0x80\n"
                     "mov $0xa0a1a2a3, %%eax\n"
                     "mov $0xb0b1b2b3, %%ebx\n"
                     "mov $0xc0c1c2c3, %%ecx\n"
                     "mov $0xd0d1d2d3, %%edx\n"
                     "mov $0xe0e1e2e3, %%esi\n"
                     "mov $0xf0f1f2f3, %%edi\n"
                     "mov $0x90919293, %%ebp\n"
                     "1: jmp 1b\n" ::"a"(4),
                     "b"(1), "c"(ready), "d"(6));
}

__asm__(".globl _start\n_start:\n  call begin\n  hlt\n.section .note.GNU-stack,\"\",@progbits\n.text\n");
