/* SPDX-License-Identifier: Apache-2.0 */
/* The measured program: for each line "OPERATION COUNT" it does that, and prints the nanoseconds it took. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *self;

static int do_getppid(void)
{
	return syscall(SYS_getppid) < 0;
}

static int do_open_hit(void)
{
	int fd = open("/etc/hostname", O_RDONLY);

	return fd < 0 || close(fd);
}

static int do_open_miss(void)
{
	return open("/etc/there-is-no-such-file", O_RDONLY) >= 0;
}

static int await(pid_t child)
{
	int status;

	return child < 0 || waitpid(child, &status, 0) != child || status;
}

static int do_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return await(child);
}

static int do_exec(void)
{
	char *const argv[] = {self, "--exit", NULL};
	pid_t child = vfork();

	if (child == 0) {
		execv(self, argv);
		_exit(1);
	}
	return await(child);
}

static int do_connect(void)
{
	struct sockaddr_in closed = {.sin_family = AF_INET, .sin_port = htons(1)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), refused;

	closed.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	refused = connect(fd, (struct sockaddr *)&closed, sizeof(closed)) && errno == ECONNREFUSED;
	return close(fd) || !refused;
}

static const struct {
	const char *name;
	int (*once)(void);
} operations[] = {
	{"getppid", do_getppid}, {"open_hit", do_open_hit}, {"open_miss", do_open_miss},
	{"fork", do_fork},		 {"exec", do_exec},			{"connect", do_connect},
};

static long long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long run(const char *name, long count)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		long long begun;

		if (strcmp(operations[i].name, name))
			continue;
		begun = nanoseconds();
		for (long done = 0; done < count; done++)
			if (operations[i].once())
				return -1;
		return nanoseconds() - begun;
	}
	return -1;
}

int main(int argc, char **argv)
{
	char name[32];
	long count;

	if (argc > 1)
		return 0;
	self = argv[0];
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (scanf("%31s %ld", name, &count) == 2)
		printf("%lld\n", run(name, count));
	return 0;
}
