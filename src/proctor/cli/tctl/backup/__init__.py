# SPDX-License-Identifier: Apache-2.0
"""``tctl backup``: a consistent copy of what the auth service keeps, made while it runs."""
