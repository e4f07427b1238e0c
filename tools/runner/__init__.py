# SPDX-License-Identifier: Apache-2.0
"""What ``./run`` does. Standard library only: it runs before anything is installed."""
