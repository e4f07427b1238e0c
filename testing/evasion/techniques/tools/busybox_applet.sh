# SPDX-License-Identifier: Apache-2.0
# Technique: an applet of busybox in place of the well-known program
# Hides: the use of env from who looks for /usr/bin/env
# Seen: command
# Trace: busybox env ./mark open-sesame
# Needs: busybox
busybox env ./mark open-sesame
