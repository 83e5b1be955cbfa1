"""Charts as plain data, and what draws them."""
