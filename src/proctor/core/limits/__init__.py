"""Bounds on what the unauthenticated may do."""
