"""Call-level simulation of asynchronous function calling: models, policies, bounds, data."""
