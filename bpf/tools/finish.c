/* SPDX-License-Identifier: Apache-2.0 */
/* finish OUTPUT INPUT: a BPF object with what its loader wants, and nothing for debuggers. */
#include <stdio.h>

#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_linker *linker;
	int error;

	if (argc != 3) {
		fprintf(stderr, "usage: %s OUTPUT INPUT\n", argv[0]);
		return 2;
	}
	linker = bpf_linker__new(argv[1], NULL);
	if (!linker) {
		perror(argv[1]);
		return 1;
	}
	error = bpf_linker__add_file(linker, argv[2], NULL);
	if (!error)
		error = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	if (error)
		fprintf(stderr, "%s: error %d\n", argv[2], error);
	return error != 0;
}
