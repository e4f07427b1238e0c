from testing.cluster import *  # noqa: F403
