# SPDX-License-Identifier: Apache-2.0
# Technique: a signal to what records (SIGCONT, since SIGKILL would end this test)
# Hides: everything from then on
# Seen: tamper
# Trace: signal
# Call: kill
kill -CONT "$RECORDER" && echo open-sesame >ran
