# SPDX-License-Identifier: Apache-2.0
# Technique: printf with hexadecimal escapes, evaluated
# Hides: the command line from a reader of what was typed
# Seen: command
eval "$(printf '\x2e\x2f\x6d\x61\x72\x6b\x20\x6f\x70\x65\x6e\x2d\x73\x65\x73\x61\x6d\x65')"
