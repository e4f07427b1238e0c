# SPDX-License-Identifier: Apache-2.0
"""State that outlives the capture process: programs and maps, blocks of records, sessions, messages."""
