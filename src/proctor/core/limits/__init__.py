# SPDX-License-Identifier: Apache-2.0
"""Bounds on what the unauthenticated may do."""
