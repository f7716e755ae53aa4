"""The simulator, the training and the evaluation of the anomaly model."""
