from testing.attacker import *  # noqa: F403
