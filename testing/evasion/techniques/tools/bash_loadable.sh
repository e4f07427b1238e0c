# SPDX-License-Identifier: Apache-2.0
# Technique: a builtin loaded into bash from a shared object (enable -f)
# Hides: the reading of a file, for which no program is executed
# Seen: open
# Needs: gcc
gcc -shared -fPIC -w -x c -o cat.so - <<'END'
#include <stdio.h>
struct { const char *name; int (*run)(void *); int flags; char *const *doc; const char *use; void *rest; }
	peek_struct;
static int peek(void *list)
{
	char word[64] = "";
	FILE *in = fopen("secret", "r"), *out = fopen("ran", "w");
	fgets(word, sizeof word, in);
	fputs(word, out);
	return fclose(out);
}
static char *doc[] = {"", 0};
__attribute__((constructor)) static void fill(void)
{
	peek_struct.name = "peek", peek_struct.run = peek, peek_struct.flags = 1;
	peek_struct.doc = doc, peek_struct.use = "peek";
}
END
enable -f ./cat.so peek
peek
