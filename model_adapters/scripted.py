"""A session that plays a script, as adapters see it."""

from interpreter.scripted import ScriptedSession, pieces_of

__all__ = ["ScriptedSession", "pieces_of"]
