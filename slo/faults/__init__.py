"""Ways to make a running pipeline worse on purpose."""
