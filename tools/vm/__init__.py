"""Virtual machines that run a command of the checkout under another kernel. Standard library only."""
