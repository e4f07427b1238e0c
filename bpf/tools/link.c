/* SPDX-License-Identifier: Apache-2.0 */
/* link OUTPUT INPUT...: join BPF objects into one, as the loader wants it. */
#include <stdio.h>

#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_linker *linker;
	int error;

	if (argc < 3) {
		fprintf(stderr, "usage: %s OUTPUT INPUT...\n", argv[0]);
		return 2;
	}
	linker = bpf_linker__new(argv[1], NULL);
	if (!linker) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		error = bpf_linker__add_file(linker, argv[i], NULL);
		if (error) {
			fprintf(stderr, "%s: error %d\n", argv[i], error);
			return 1;
		}
	}
	error = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	return error != 0;
}
