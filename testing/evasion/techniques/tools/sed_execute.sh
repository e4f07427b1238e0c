# SPDX-License-Identifier: Apache-2.0
# Technique: the e command of GNU sed
# Hides: the command behind a harmless program
# Seen: command
echo '@mark open#sesame' | sed 's/@/.\//; s/#/-/; e'
