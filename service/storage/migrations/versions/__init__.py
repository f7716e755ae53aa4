"""The steps, in the order of their numbers; the first digit is the generation (decision 0027)."""
