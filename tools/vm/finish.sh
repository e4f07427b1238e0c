# SPDX-License-Identifier: Apache-2.0
# The end of the guest: leaves the exit status of its command, which is the argument or what systemd says.
status=${1:-$EXIT_STATUS}
[ "${EXIT_CODE:-exited}" = exited ] || status=1
echo "$status" >/run/vm/status
sync
echo o >/proc/sysrq-trigger
