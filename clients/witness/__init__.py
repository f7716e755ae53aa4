"""A witness (C2SP tlog-witness): cosigns a log's checkpoints only when each extends the one before."""
