/* SPDX-License-Identifier: Apache-2.0 */
// Technique: another kernel (of nothing, and so refused)
// Hides: anything from everybody
// Seen: tamper
// Trace: kexec
// Call: kexec_load
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	if (syscall(SYS_kexec_load, 0L, 99L, 0L, ~0L) == 0)
		return 1;
	execl("./mark", "mark", "open-sesame", (char *)0);
}
