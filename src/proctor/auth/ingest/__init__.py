# SPDX-License-Identifier: Apache-2.0
"""Validation of events and recordings that hosts deliver."""
