# SPDX-License-Identifier: Apache-2.0
# Technique: 3,000 processes before the command
# Hides: the command in the noise
# Seen: command
for i in $(seq 3000); do (:); done
./mark open-sesame
