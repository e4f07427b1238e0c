# SPDX-License-Identifier: Apache-2.0
"""Virtual machines that run a command of the checkout under another kernel. Standard library only."""
