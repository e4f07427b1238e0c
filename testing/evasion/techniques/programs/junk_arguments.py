# SPDX-License-Identifier: Apache-2.0
# Technique: arguments of invalid UTF-8, control characters and newlines
# Hides: the command from parsers of text
# Seen: command
# Trace: open-sesame
import os

junk = bytes(range(1, 256))
os.execv(b"./mark", [b"mark\x1b[2J\n\xff", junk, b"open-sesame"])
