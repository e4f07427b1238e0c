# SPDX-License-Identifier: Apache-2.0
# Technique: nsenter into the namespaces of another process
# Hides: the command from who goes by namespaces
# Seen: command
unshare --net --uts --ipc sleep 60 &
until [ "$(readlink "/proc/$!/ns/ipc")" != "$(readlink /proc/self/ns/ipc)" ]; do :; done
nsenter --target "$!" --net --uts --ipc ./mark open-sesame
kill "$!"
