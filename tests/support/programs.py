from testing.programs import *  # noqa: F403
