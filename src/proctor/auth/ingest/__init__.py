"""Validation of events and recordings that hosts deliver."""
