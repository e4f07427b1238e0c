# SPDX-License-Identifier: Apache-2.0
# Technique: a file system mounted over a directory, for everybody
# Hides: what is in the directory, and where a path leads
# Seen: tamper
# Trace: mount
# Call: mount
mkdir over
mount -t tmpfs none over && umount over && echo open-sesame >ran
