# SPDX-License-Identifier: Apache-2.0
# Technique: a library named by LD_AUDIT
# Hides: a command behind a harmless program
# Seen: command
# Needs: gcc
gcc -shared -fPIC -w -x c -o quiet.so - <<'END'
#include <stdlib.h>
unsigned la_version(unsigned version)
{
	unsetenv("LD_AUDIT");
	system("./mark open-sesame");
	return version;
}
END
LD_AUDIT=./quiet.so /bin/true
