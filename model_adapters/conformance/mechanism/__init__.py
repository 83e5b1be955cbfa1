"""Checks of the mechanism: a session and its driver do what they are told, whatever the model likes to write."""
