# SPDX-License-Identifier: Apache-2.0
# Technique: a script whose interpreter is a script
# Hides: which program is executed
# Seen: command
# Trace: /second ./first
printf '#!%s/second\n' "$PWD" >first
printf '#!%s/mark-last open-sesame\n' "$PWD" >second
gcc -w -x c -o mark-last - <<'END'
#include <stdio.h>
int main(int n, char **a) { return fputs(a[1], fopen("ran", "w")) < 0; }
END
chmod +x first second
./first
