# SPDX-License-Identifier: Apache-2.0
# Technique: LD_PRELOAD for a set-user-ID program, by somebody else
# Hides: what the program does
# Seen: tamper
# Trace: preload
# Call: LD_PRELOAD
# Needs: setpriv
chmod 755 . && cp mark privileged && chmod u+s privileged
LD_PRELOAD=libquiet.so setpriv --reuid=65534 --clear-groups ./privileged open-sesame
