from testing.polling import *  # noqa: F403
