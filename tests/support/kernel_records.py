from testing.kernel_records import *  # noqa: F403
