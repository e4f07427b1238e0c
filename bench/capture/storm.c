/* SPDX-License-Identifier: Apache-2.0 */
/* storm ACTION NUMBER: one action, as often and as fast as possible. PATH and PORT are given to the compiler. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void open_file(char *self)
{
	(void)self;
	close(open(PATH, O_RDONLY));
}

static void execute(char *self)
{
	pid_t child = fork();

	if (!child) {
		execl(self, self, "none", "0", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
}

static void connect_to(int kind)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int socket_ = socket(AF_INET, kind, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connect(socket_, (struct sockaddr *)&address, sizeof(address)); /* whatever comes of it */
	close(socket_);
}

static void connect_both(char *self)
{
	static long turn;

	(void)self;
	connect_to(turn++ % 2 ? SOCK_DGRAM : SOCK_STREAM);
}

static void nothing(char *self)
{
	(void)self;
}

int main(int argc, char **argv)
{
	void (*action)(char *) = nothing;

	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "open"))
		action = open_file;
	if (!strcmp(argv[1], "execute"))
		action = execute;
	if (!strcmp(argv[1], "connect"))
		action = connect_both;
	for (long i = atol(argv[2]); i > 0; i--)
		action(argv[0]);
	return 0;
}
