from testing.recorder import *  # noqa: F403
