# SPDX-License-Identifier: Apache-2.0
# Technique: openssl as a client
# Hides: a connection from who looks for curl and ssh
# Seen: connection
# Needs: openssl
timeout 2 openssl s_client -connect "127.0.0.1:$PORT" </dev/null >output 2>&1 || true
