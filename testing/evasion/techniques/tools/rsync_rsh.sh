# SPDX-License-Identifier: Apache-2.0
# Technique: the remote shell of rsync
# Hides: the command behind a copy
# Seen: command
# Needs: rsync
# Trace: ./mark open-sesame
rsync -e 'sh -c "exec ./mark open-sesame"' nowhere:x . 2>errors || true
