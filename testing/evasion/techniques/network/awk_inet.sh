# SPDX-License-Identifier: Apache-2.0
# Technique: the sockets of gawk
# Hides: a connection behind a harmless program
# Seen: connection
# Needs: gawk
gawk -v port="$PORT" 'BEGIN { peer = "/inet/tcp/0/127.0.0.1/" port; print "smoke" |& peer; close(peer) }'
