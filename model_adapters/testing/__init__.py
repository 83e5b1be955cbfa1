"""A public check: does a session keep the contract of spec/5-embedding.md, 5.2?"""

from model_adapters.testing.contract import Checked, check_session
from model_adapters.testing.watched import CONTROL_SPELLINGS, SessionError

__all__ = ["CONTROL_SPELLINGS", "Checked", "SessionError", "check_session"]
