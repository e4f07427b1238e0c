# SPDX-License-Identifier: Apache-2.0
# Technique: an address as one number
# Hides: the address from a reader of the command line
# Seen: connection
# Needs: curl
curl -s -m 1 "http://0x7f000001:$PORT/" || true
