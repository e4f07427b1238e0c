# SPDX-License-Identifier: Apache-2.0
# Technique: a detached terminal of screen
# Hides: the command from a record of the first terminal
# Seen: command
# Needs: screen
mkdir -m 700 screens
SCREENDIR=$PWD/screens screen -dmS x ./mark open-sesame
