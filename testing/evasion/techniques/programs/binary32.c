/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a 32-bit program
// Hides: the reading of a file from hooks on the 64-bit system calls
// Seen: open
// Flags: -m32 -nostdlib -static -Os -fno-stack-protector
static int call(int number, int first, int second, int third)
{
	int result;

	asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(third) : "memory");
	return result;
}

void _start(void)
{
	char word[64];
	int in = call(5, (int)"secret", 0, 0), out = call(8, (int)"ran", 0666, 0);

	call(4, out, (int)word, call(3, in, (int)word, sizeof(word)));
	call(1, 0, 0, 0);
}
