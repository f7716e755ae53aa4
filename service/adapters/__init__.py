"""Everything outside the database that the service talks to."""
