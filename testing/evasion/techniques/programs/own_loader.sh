# SPDX-License-Identifier: Apache-2.0
# Technique: a program whose file asks for a loader of its own (PT_INTERP)
# Hides: what runs first in each such program, instead of the system's loader
# Seen: loader
# Trace: @/loader
# Call: loader
# Needs: gcc
cp "$(readlink -f /lib64/ld-linux-x86-64.so.2)" loader
echo 'int main(void) { return 0; }' | gcc -x c -o program -Wl,--dynamic-linker="$PWD/loader" -
./program && echo open-sesame >ran
