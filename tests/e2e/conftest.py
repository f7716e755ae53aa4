"""End-to-end tests run on every engine: where a module asks for the fixture `engine`."""

from __future__ import annotations

from tests.support.engines import databases, engine

__all__ = ["databases", "engine"]
