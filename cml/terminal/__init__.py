"""What the commands of all layers have in common: how they read, what they print, how they end.

Every text that a command prints passes through here, so nothing that a model, a tool, a file or its
name says can act on the terminal. The language itself needs none of it.
"""
