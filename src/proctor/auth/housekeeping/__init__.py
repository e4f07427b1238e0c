# SPDX-License-Identifier: Apache-2.0
"""Retention, compression and disk use of what the auth service keeps."""
