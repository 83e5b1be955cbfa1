"""The recipe: from dialogues to tokens, to packed sequences, to weights."""
