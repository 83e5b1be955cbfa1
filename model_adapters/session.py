"""The contract between a driver and a decoding model, as adapters see it."""

from interpreter.session import EndOfDecoding, Piece, Session

__all__ = ["EndOfDecoding", "Piece", "Session"]
