/* SPDX-License-Identifier: Apache-2.0 */
// Technique: socketcall, by a 32-bit program
// Hides: the connection from hooks on the 64-bit system calls
// Seen: connection
// Flags: -m32 -nostdlib -static -Os -fno-stack-protector
struct address { unsigned short family, port; unsigned host; char rest[8]; };

static int socketcall(int number, int *arguments)
{
	int result;

	asm volatile("int $0x80" : "=a"(result) : "a"(102), "b"(number), "c"(arguments) : "memory");
	return result;
}

__attribute__((used)) static void run(char **environ)
{
	struct address to = {.family = 2, .host = 0x0100007f};
	int arguments[3] = {2, 1, 0}, port = 0;

	for (; *environ; environ++)
		if (*(int *)*environ == *(int *)"PORT")
			for (char *digit = *environ + 5; *digit; digit++)
				port = port * 10 + *digit - '0';
	to.port = __builtin_bswap16(port);
	arguments[0] = socketcall(1, arguments);
	arguments[1] = (int)&to;
	arguments[2] = sizeof(to);
	socketcall(3, arguments);
	asm volatile("int $0x80" : : "a"(1), "b"(0));
}

/* argc, argv, NULL, environ */
asm(".globl _start\n_start: mov (%esp), %eax\n lea 8(%esp,%eax,4), %eax\n push %eax\n call run");
