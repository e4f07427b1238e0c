from testing.accounts import *  # noqa: F403
