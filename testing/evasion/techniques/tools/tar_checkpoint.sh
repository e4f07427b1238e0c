# SPDX-License-Identifier: Apache-2.0
# Technique: tar --checkpoint-action
# Hides: the command behind an archiver
# Seen: command
tar -cf /dev/null --checkpoint=1 --checkpoint-action=exec='./mark open-sesame' secret
