"""Commands of the command line that need the interpreter and no model."""
