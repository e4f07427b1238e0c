# SPDX-License-Identifier: Apache-2.0
# Technique: root moves its shell to the root of the cgroup tree
# Hides: the command from who goes by the cgroup
# Seen: command
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
echo $$ >"$root/cgroup.procs"
./mark open-sesame
