"""Loops, no domain logic: each asks a use case what to do next."""
