# SPDX-License-Identifier: Apache-2.0
# Technique: system() of awk, the word made of pieces
# Hides: the command behind a harmless program
# Seen: command
awk 'BEGIN { word = "sesame"; system("./mark open-" word) }'
