from testing.capture import *  # noqa: F403
