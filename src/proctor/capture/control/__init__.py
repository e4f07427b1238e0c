"""What capture does to sessions: holds them, restricts them, and watches what they must leave alone."""
