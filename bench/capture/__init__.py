# SPDX-License-Identifier: Apache-2.0
"""What recording costs: per system call, per event; against nothing, against a no-op, and against peers."""
