# SPDX-License-Identifier: Apache-2.0
"""Withdrawal of access: locks, revoked certificates, removed hosts."""
