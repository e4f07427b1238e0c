from testing.sessions import *  # noqa: F403
