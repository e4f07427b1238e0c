# SPDX-License-Identifier: Apache-2.0
"""What Proctor and other tools see of the techniques in ``testing/evasion``; writes docs/evasion.md."""
