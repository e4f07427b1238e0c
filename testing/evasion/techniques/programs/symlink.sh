# SPDX-License-Identifier: Apache-2.0
# Technique: a symbolic link with a harmless name
# Hides: which file is executed
# Seen: command
ln -s mark date
./date open-sesame
