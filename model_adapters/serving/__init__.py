"""A model behind HTTP: live sessions as an API, as the chat endpoint that clients know, and as a page."""
