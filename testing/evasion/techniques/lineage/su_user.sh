# SPDX-License-Identifier: Apache-2.0
# Technique: another user, by su
# Hides: the command from who goes by the user
# Seen: command
chmod 777 .
su -s /bin/sh nobody -c "cd $PWD && exec ./mark open-sesame"
