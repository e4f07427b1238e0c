# SPDX-License-Identifier: Apache-2.0
"""The parts of role documents that have a language of their own, and what is checked of the documents."""
