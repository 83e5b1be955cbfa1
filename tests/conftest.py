"""Property tests judge what comes out, never how long it took; the slow run tries more examples."""

from hypothesis import settings

settings.register_profile("everyday", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("everyday")
