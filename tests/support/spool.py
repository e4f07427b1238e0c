from testing.spool import *  # noqa: F403
