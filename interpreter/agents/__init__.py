"""Sessions that write to each other (spec/5-embedding.md, section 7)."""

from interpreter.agents.live import Agents
from interpreter.agents.post import Letter, NotSent
from interpreter.agents.virtual import VirtualAgent, VirtualAgents

__all__ = ["Agents", "Letter", "NotSent", "VirtualAgent", "VirtualAgents"]
