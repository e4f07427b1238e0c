/* SPDX-License-Identifier: Apache-2.0 */
// Technique: O_PATH, then opened again by /proc/self/fd
// Hides: the path from the call that opens for reading
// Seen: open
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>

int main(void)
{
	char again[64];

	snprintf(again, sizeof again, "/proc/self/fd/%d", open("secret", O_PATH));
	return sendfile(creat("ran", 0666), open(again, O_RDONLY), 0, 64) < 0;
}
