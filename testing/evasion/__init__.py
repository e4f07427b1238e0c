"""Ways to do something in a session unnoticed: one small program each, in ``techniques/CATEGORY/``."""
