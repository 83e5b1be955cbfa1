"""Sessions on servers that speak the OpenAI interface, through its official client."""
