from testing.openssh import *  # noqa: F403
