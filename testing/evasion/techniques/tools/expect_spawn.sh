# SPDX-License-Identifier: Apache-2.0
# Technique: a terminal of its own, by expect
# Hides: the command from whoever watches the first terminal
# Seen: command
# Needs: expect
expect -c 'spawn -noecho ./mark [join {open sesame} -]; expect eof'
