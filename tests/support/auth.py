from testing.auth import *  # noqa: F403
