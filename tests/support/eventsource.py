from testing.eventsource import *  # noqa: F403
