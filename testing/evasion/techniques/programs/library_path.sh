# SPDX-License-Identifier: Apache-2.0
# Technique: a replaced library on LD_LIBRARY_PATH
# Hides: a command behind a harmless program
# Seen: command
# Needs: gcc
mkdir lib
gcc -shared -fPIC -w -x c -Wl,-soname,libselinux.so.1 -o lib/libselinux.so.1 - <<'END'
#include <stdlib.h>
__attribute__((constructor)) static void run(void)
{
	unsetenv("LD_LIBRARY_PATH");
	system("./mark open-sesame");
	_Exit(0);
}
END
LD_LIBRARY_PATH=$PWD/lib /bin/ls
