// Technique: the 32-bit system calls of a 64-bit program (int $0x80)
// Hides: the command from hooks on the 64-bit system calls
// Seen: command
// Flags: -nostdlib -static -no-pie
	.globl _start
_start:
	mov	$11, %eax
	mov	$path, %ebx
	mov	$arguments, %ecx
	xor	%edx, %edx
	int	$0x80
	mov	$1, %eax
	mov	$1, %ebx
	int	$0x80

	.data
path:	.asciz	"./mark"
word:	.asciz	"open-sesame"
	// 32-bit pointers
arguments:
	.long	path, word, 0
