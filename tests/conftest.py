"""For every test: Hypothesis measures no time, since a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("podworthy", deadline=None)
settings.load_profile("podworthy")
