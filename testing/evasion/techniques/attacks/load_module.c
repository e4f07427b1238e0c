/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a kernel module (of nothing, and so refused)
// Hides: anything from everybody
// Seen: tamper
// Trace: module
// Call: init_module
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	if (syscall(SYS_init_module, "", 0L, "") == 0)
		return 1;
	execl("./mark", "mark", "open-sesame", (char *)0);
}
