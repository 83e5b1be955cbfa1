"""Sessions on servers that are asked for messages: the chat as it is sent, and calls in the server's own form."""
