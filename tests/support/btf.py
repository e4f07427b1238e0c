from testing.btf import *  # noqa: F403
