"""Sessions on models of the transformers package."""
