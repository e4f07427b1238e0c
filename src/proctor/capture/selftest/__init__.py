# SPDX-License-Identifier: Apache-2.0
"""Self-test: one action per event type in a scratch session, each of which must be captured."""
