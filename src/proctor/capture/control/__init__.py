"""Effects of capture on sessions: freezing, network policies, self-protection."""
