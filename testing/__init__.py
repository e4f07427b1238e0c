# SPDX-License-Identifier: Apache-2.0
"""What tests, benchmarks and the demo share: clusters, accounts, capture in one process, techniques."""
