# SPDX-License-Identifier: Apache-2.0
# Technique: a script that deletes itself before it does anything
# Hides: the script from who would look at it later
# Seen: command
printf '#!/bin/sh\nrm "$0"\nexec ./mark open-sesame\n' >quiet
chmod +x quiet
exec ./quiet
