from testing.records import *  # noqa: F403
