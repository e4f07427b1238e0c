# SPDX-License-Identifier: Apache-2.0
# Technique: the dynamic loader as the program (ld.so PROGRAM)
# Hides: which file is executed; its execute permission is not needed
# Seen: command
# Trace: ./technique open-sesame
gcc -w -x c -o technique - <<'END'
#include <stdio.h>
int main(int n, char **a) { return fputs(a[n - 1], fopen("ran", "w")) < 0; }
END
chmod -x technique
/lib64/ld-linux-x86-64.so.2 ./technique open-sesame
