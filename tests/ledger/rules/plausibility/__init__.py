"""Anomaly scores: exact measurements, the model file, the forest, the verdict and its reasons."""
