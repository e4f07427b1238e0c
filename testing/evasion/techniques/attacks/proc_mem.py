# SPDX-License-Identifier: Apache-2.0
# Technique: the memory of a process outside of the session, through /proc/PID/mem
# Hides: what is done by having somebody else do it
# Seen: tamper
# Trace: proc_mem
# Call: /mem
import os

with open(f"/proc/{os.environ['OTHER']}/mem", "r+b"), open("ran", "w") as proof:
    proof.write("open-sesame")
