"""End-to-end tests run on every engine: where a module asks for the fixture `engine`."""

from __future__ import annotations

from tests.support.engines import databases, engine, postgres

__all__ = ["databases", "engine", "postgres"]
