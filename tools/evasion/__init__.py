"""What Proctor and other tools see of the techniques in ``tests/kernel/evasion``; writes docs/evasion.md."""
