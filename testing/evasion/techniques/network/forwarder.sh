# SPDX-License-Identifier: Apache-2.0
# Technique: a port forwarder (socat) that outlives its shell
# Hides: the destination from who looks at the client
# Seen: connection
# Needs: socat
rm -f door
setsid socat UNIX-LISTEN:door "TCP:127.0.0.1:$PORT" </dev/null >/dev/null 2>&1 &
until [ -S door ]; do :; done
echo smoke | socat - UNIX-CONNECT:door
