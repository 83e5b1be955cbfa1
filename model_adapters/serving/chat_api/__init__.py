"""The chat endpoint that clients of OpenAI's API know: its forms, and answers made of rows."""
