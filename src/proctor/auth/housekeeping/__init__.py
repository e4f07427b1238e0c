"""Retention, compression and disk use of what the auth service keeps."""
