# SPDX-License-Identifier: Apache-2.0
# Technique: a constructor in a library named by LD_PRELOAD
# Hides: the reading of a file behind a harmless program
# Seen: open
# Needs: gcc
gcc -shared -fPIC -w -x c -o quiet.so - <<'END'
#include <stdio.h>
__attribute__((constructor)) static void run(void)
{
	char word[64] = "";
	FILE *in = fopen("secret", "r"), *out = fopen("ran", "w");
	fputs(fgets(word, sizeof word, in), out);
	fclose(out);
}
END
LD_PRELOAD=./quiet.so /bin/true
