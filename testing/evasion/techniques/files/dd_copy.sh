# SPDX-License-Identifier: Apache-2.0
# Technique: dd
# Hides: the file from who looks for cat
# Seen: open
dd if=secret of=ran status=none
