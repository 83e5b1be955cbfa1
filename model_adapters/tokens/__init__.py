"""Sessions that know their tokens: the one loop, over any engine, and from text to tokens and back."""
