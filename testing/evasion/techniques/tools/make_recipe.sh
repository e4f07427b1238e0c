# SPDX-License-Identifier: Apache-2.0
# Technique: a recipe that make reads from its standard input
# Hides: the command from the arguments of make
# Seen: command
# Needs: make
printf 'all:\n\t@./mark open-$(word)\nword = sesame\n' | make -sf -
