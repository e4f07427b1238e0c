from testing.audit import *  # noqa: F403
