from testing.node import *  # noqa: F403
