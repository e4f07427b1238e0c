# SPDX-License-Identifier: Apache-2.0
"""The hosts of a cluster: which there are, and the names that each holds."""
