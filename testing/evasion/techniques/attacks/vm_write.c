/* SPDX-License-Identifier: Apache-2.0 */
// Technique: the memory of a process outside of the session, written (process_vm_writev)
// Hides: what is done by having somebody else do it
// Seen: tamper
// Trace: vm_write
// Call: process_vm_writev
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void)
{
	char path[64], word[8];
	struct iovec here = {word, 8}, there = {0, 8};
	int other = atoi(getenv("OTHER"));
	unsigned long address;
	FILE *numbers;

	/* the lowest word of its stack: the argument of execve, written as it was */
	snprintf(path, sizeof path, "/proc/%d/stat", other);
	numbers = fopen(path, "r");
	fscanf(numbers, "%*d (%*[^)]) %*c" /* to startstack, field 28 */
	       "%*d%*d%*d%*d%*d%*u%*u%*u%*u%*u%*u%*u%*d%*d%*d%*d%*d%*d%*u%*u%*d%*u%*u%*u%lu", &address);
	there.iov_base = (void *)address;
	if (process_vm_readv(other, &here, 1, &there, 1, 0) == 8 &&
	    process_vm_writev(other, &here, 1, &there, 1, 0) == 8)
		execl("./mark", "mark", "open-sesame", (char *)0);
	return 1;
}
