from testing.terminal import *  # noqa: F403
