"""What an outsider holds and checks without the operator: bundles with verdicts and anchors, and a whole log."""
