# SPDX-License-Identifier: Apache-2.0
"""Effects of capture on sessions: freezing, network policies, self-protection."""
