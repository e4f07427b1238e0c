# SPDX-License-Identifier: Apache-2.0
# Technique: chroot
# Hides: the program's place in the file system
# Seen: command
exec chroot . /mark open-sesame
