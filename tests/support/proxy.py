from testing.proxy import *  # noqa: F403
