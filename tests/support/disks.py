from testing.disks import *  # noqa: F403
