"""Tools: the functions that a model may call, and what it is told of them."""
