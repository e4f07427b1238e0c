# SPDX-License-Identifier: Apache-2.0
"""Everything that is generated from ``schema/events.toml``."""
