"""The `cml` command and what it needs a model for."""
