from testing.commands import *  # noqa: F403
