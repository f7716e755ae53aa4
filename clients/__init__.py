"""Everybody's side but the operator's: over the public API, or offline with `ledger`. Nothing here knows `service`.

`cli` is the command `lodeline`; `sdk` signs, submits and checks; `importers` read spreadsheets; `audit` reads whole
logs; `witness` cosigns the checkpoints of others.
"""
