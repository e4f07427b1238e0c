# SPDX-License-Identifier: Apache-2.0
# Technique: a file name of control characters, escape sequences and invalid UTF-8
# Hides: the file from parsers of text, and from a reader at a terminal
# Seen: open
# Trace: @/\xff\x1b]0;\x07
import os

name = b"\xff\x1b]0;\x07"
os.rename("secret", name)
with open(name) as hidden, open("ran", "w") as proof:
    proof.write(hidden.read())
