"""The audit of a tokenizer: what the markers of CML cost in it, and what could go wrong with them."""
