"""Where the anomaly model comes from: simulated supply chains, honest and fraudulent, training and evaluation.

Nothing here is needed to run the ledger or to verify a bundle; the result is
`ledger/rules/plausibility/model.json`. Install with the extra `plausibility`, run with `make plausibility`.
"""
