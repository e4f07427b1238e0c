# SPDX-License-Identifier: Apache-2.0
# Technique: root moves its shell to the root of the cgroup tree, and does nothing else
# Hides: that there was an attempt
# Seen: escape
# Call: /cgroup.procs
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
echo $$ >"$root/cgroup.procs" && echo open-sesame >ran
