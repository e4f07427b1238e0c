from testing.backend import *  # noqa: F403
