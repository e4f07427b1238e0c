# SPDX-License-Identifier: Apache-2.0
# Technique: an input preprocessor of less
# Hides: the command behind a pager
# Seen: command
# Needs: less
LESSOPEN='|./mark open-sesame; : %s' less "$0" >output
