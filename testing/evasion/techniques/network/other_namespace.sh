# SPDX-License-Identifier: Apache-2.0
# Technique: a loopback of its own, in a network namespace
# Hides: the connection from who watches the host's network
# Seen: connection
# Needs: ip
unshare --net bash -c 'ip link set lo up; exec 5<>"/dev/tcp/127.0.0.1/$PORT"' 2>errors
grep -q refused errors && echo open-sesame >ran
