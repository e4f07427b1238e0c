# SPDX-License-Identifier: Apache-2.0
# Technique: a program whose loader (PT_INTERP) is a file in memory, given as a descriptor
# Hides: what runs first, which has no name in a file system
# Seen: loader
# Trace: memfd:loader
# Call: memfd_create
# Needs: gcc
import os
import subprocess

memory = os.memfd_create("loader", 0)
os.dup2(memory, 42)
with open("/lib64/ld-linux-x86-64.so.2", "rb") as real:
    os.write(42, real.read())
linker = "-Wl,--dynamic-linker=/proc/self/fd/42"
compiler = ["gcc", "-x", "c", "-o", "program", linker, "-"]
subprocess.run(compiler, input=b"int main(void) { return 0; }", check=True)
if subprocess.call(["./program"], pass_fds=[42]) == 0:
    with open("ran", "w") as proof:
        proof.write("open-sesame")
