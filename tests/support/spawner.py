from testing.spawner import *  # noqa: F403
