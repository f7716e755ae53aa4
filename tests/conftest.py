"""What holds for every test: properties are not timed, as a busy machine is no fault of the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("lodeline", deadline=None)
settings.load_profile("lodeline")
