# SPDX-License-Identifier: Apache-2.0
# Technique: root writes to the session's own cgroup
# Hides: what is done while capture believes that the session stands still
# Seen: tamper
# Trace: cgroup
# Call: /cgroup.freeze
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
own=$root$(sed -n 's/^0:://p' /proc/self/cgroup)
if [ "$own" = "$root/" ]; then mkdir -p "$root/ground" && own=$root/ground; fi
echo 0 >"$own/cgroup.freeze" && echo open-sesame >ran
rmdir "$root/ground" 2>/dev/null
