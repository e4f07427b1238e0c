"""Former names of the modules in ``testing``, for one release."""
