# SPDX-License-Identifier: Apache-2.0
# Technique: a compressed script, piped to a shell
# Hides: the command line from a reader of what was typed, and from a search in files
# Seen: command
printf '%s' 'H4sIAAAAAAACA9PTz00sylbIL0jN0y1OLU7MTQUAsZx/sxIAAAA=' | base64 -d | gzip -dc | sh
