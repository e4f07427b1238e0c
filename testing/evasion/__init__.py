# SPDX-License-Identifier: Apache-2.0
"""Ways to do something in a session unnoticed: one small program each, in ``techniques/CATEGORY/``."""
