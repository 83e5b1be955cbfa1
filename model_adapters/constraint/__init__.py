"""The mask of constrained decoding: what a model may write next."""
