# SPDX-License-Identifier: Apache-2.0
# Technique: a cgroup of its own, below the session's
# Hides: the command from who compares cgroups for equality
# Seen: command
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
own=$root$(sed -n 's/^0:://p' /proc/self/cgroup)
mkdir "$own/deeper"
sh -c 'echo $$ >"$1/cgroup.procs"; ./mark open-sesame' sh "$own/deeper"
rmdir "$own/deeper"
