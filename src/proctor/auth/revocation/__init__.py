"""What takes access away: locks, revoked certificates, removed hosts."""
