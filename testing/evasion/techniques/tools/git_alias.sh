# SPDX-License-Identifier: Apache-2.0
# Technique: an alias of git, from the environment
# Hides: the command behind a harmless program
# Seen: command
# Needs: git
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=alias.status-all GIT_CONFIG_VALUE_0='!./mark open-sesame'
git status-all
