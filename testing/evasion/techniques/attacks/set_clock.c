/* SPDX-License-Identifier: Apache-2.0 */
// Technique: the system's clock, set (to an impossible time, and so refused)
// Hides: when something was done
// Seen: tamper
// Trace: clock
// Call: clock_settime
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec never = {.tv_sec = -1};

	if (clock_settime(CLOCK_REALTIME, &never) == 0)
		return 1;
	execl("./mark", "mark", "open-sesame", (char *)0);
}
