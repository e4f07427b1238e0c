# SPDX-License-Identifier: Apache-2.0
# Technique: a container: new user, pid, mount, network, cgroup, time namespaces
# Hides: the command from who goes by pid, name or mount
# Seen: command
unshare --user --map-root-user --pid --fork --mount-proc --net --ipc --uts --cgroup --time ./mark open-sesame
