"""Tests of the service run on every engine: where a module's mark asks for the fixture `engine`, or a fixture does."""

from __future__ import annotations

from tests.support.engines import databases, engine, postgres

__all__ = ["databases", "engine", "postgres"]
