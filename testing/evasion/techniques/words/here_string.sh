# SPDX-License-Identifier: Apache-2.0
# Technique: a shell fed by a here-string
# Hides: the command line from the argument list of the shell
# Seen: command
tr 'a-z' 'n-za-m' <<<'./znex bcra-frfnzr' | bash
