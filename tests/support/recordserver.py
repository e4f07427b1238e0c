from testing.recordserver import *  # noqa: F403
