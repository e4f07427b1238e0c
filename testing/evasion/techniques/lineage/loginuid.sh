# SPDX-License-Identifier: Apache-2.0
# Technique: root gives itself another audit user and session (/proc/self/loginuid)
# Hides: the command from kernel audit, which goes by these
# Seen: command
echo 4294967295 2>/dev/null >/proc/self/loginuid
echo 65534 2>/dev/null >/proc/self/loginuid
./mark open-sesame
