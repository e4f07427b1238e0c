# SPDX-License-Identifier: Apache-2.0
# Technique: the ProxyCommand of ssh
# Hides: the command behind what looks like a login elsewhere
# Seen: command
# Needs: ssh
ssh -F /dev/null -o ProxyCommand='./mark open-sesame' nowhere.invalid 2>errors || true
