/* SPDX-License-Identifier: Apache-2.0 */
// Technique: the tracing of processes outside of the session (perf_event_open)
// Hides: what is read from them
// Seen: tamper
// Trace: perf
// Call: perf_event_open
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	struct perf_event_attr clock = {.type = PERF_TYPE_SOFTWARE, .size = sizeof clock};

	syscall(SYS_perf_event_open, &clock, atoi(getenv("OTHER")), -1, -1, 0L);
	execl("./mark", "mark", "open-sesame", (char *)0);
}
