# SPDX-License-Identifier: Apache-2.0
# Technique: a program fed to perl through its standard input, run without a shell
# Hides: the command line from the arguments of the interpreter
# Seen: command
# Needs: perl
echo 'exec {"./mark"} ("mark", join("-", reverse("sesame", "open")))' | perl
