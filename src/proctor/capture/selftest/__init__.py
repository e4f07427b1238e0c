"""Self-test: one action per event type in a scratch session, each of which must be captured."""
