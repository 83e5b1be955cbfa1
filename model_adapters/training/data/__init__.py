"""Dialogues: what is asked, what an ideal model writes, and what the machine makes of it."""
