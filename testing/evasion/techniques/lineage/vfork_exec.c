/* SPDX-License-Identifier: Apache-2.0 */
// Technique: vfork
// Hides: the command from hooks on fork and clone
// Seen: command
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	if (vfork() == 0)
		execl("./mark", "mark", "open-sesame", (char *)0);
	return wait(0) < 0;
}
