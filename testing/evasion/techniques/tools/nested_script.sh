# SPDX-License-Identifier: Apache-2.0
# Technique: a terminal of its own, by script(1)
# Hides: the command from whoever watches the first terminal
# Seen: command
script -qc './mark open-sesame >/dev/null' /dev/null >/dev/null </dev/null
