from testing.nodeprocess import *  # noqa: F403
