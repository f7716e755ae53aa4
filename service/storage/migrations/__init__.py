"""Alembic migrations: the database grows by numbered steps, each frozen once released."""
