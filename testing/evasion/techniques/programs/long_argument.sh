# SPDX-License-Identifier: Apache-2.0
# Technique: the word after an argument of 100 KB
# Hides: the arguments from tools that read the first few bytes
# Seen: command
# Trace: AAAA open-sesame
./mark "$(printf 'A%.0s' $(seq 100000))" open-sesame
