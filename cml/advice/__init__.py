"""What a model is told of a body that is no call: what was seen, and the form to write instead."""
