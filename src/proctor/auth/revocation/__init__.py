"""Withdrawal of access: locks, revoked certificates, removed hosts."""
