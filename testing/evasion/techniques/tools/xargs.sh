# SPDX-License-Identifier: Apache-2.0
# Technique: arguments from a pipe, by xargs
# Hides: the arguments from the line that was typed
# Seen: command
printf 'open-%s' sesame | xargs ./mark
