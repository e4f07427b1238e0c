# SPDX-License-Identifier: Apache-2.0
# Technique: another user, by sudo
# Hides: the command from who goes by the user
# Seen: command
# Needs: sudo
chmod 777 .
sudo -n -u nobody env -C "$PWD" ./mark open-sesame
