"""Property tests: the same examples every day, and others where somebody looks for what is not known yet."""

import gc

from hypothesis import HealthCheck, settings

# What tests are collected into stays to the end, all of it: to look for garbage in it brings nothing.
gc.disable()

# What comes out is judged, never how long it took: a machine may be slow.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A change is judged by examples that everybody has, so that it does not fail by chance.
settings.register_profile("everyday", patient, derandomize=True)
# New examples each time; how to repeat one that fails is printed.
settings.register_profile("thorough", patient, max_examples=500, print_blob=True)
settings.load_profile("everyday")


def pytest_collection_finish() -> None:
    """Leave what is there out of all collections to come."""
    gc.freeze()
    gc.enable()
