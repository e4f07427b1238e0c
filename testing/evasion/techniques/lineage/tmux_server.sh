# SPDX-License-Identifier: Apache-2.0
# Technique: a terminal in a tmux server that outlives the login
# Hides: the command from a record of the first terminal
# Seen: command
# Needs: tmux
tmux -f /dev/null -S socket new-session -d 'exec ./mark open-sesame'
