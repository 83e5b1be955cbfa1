"""The rules of the machine, each a function with the specification's name.

A rule returns None where it does not apply, else the state after it and its effects.
"""
