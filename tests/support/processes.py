from testing.processes import *  # noqa: F403
