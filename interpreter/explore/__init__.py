"""Exhaustive exploration: every interleaving of a bounded program, every state checked."""

from interpreter.explore.search import Exploration, Violation, explore
from interpreter.explore.world import Program

__all__ = ["Exploration", "Program", "Violation", "explore"]
