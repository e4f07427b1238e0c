# SPDX-License-Identifier: Apache-2.0
# Technique: a shell escape of vim
# Hides: the command behind an editor
# Seen: command
# Needs: vim
vim -u NONE -es -c "call system(join(['./mark', 'open-' . 'sesame']))" -c 'qa!' </dev/null
