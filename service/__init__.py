"""The operator's side of a log, and all of its input and output: `manage` is the command line, `app` the server.

`api` speaks HTTP, `usecases` do one thing each in one transaction, `storage` alone speaks SQL, `adapters` reach what is
outside the database, `workers` are the loops beside the requests; `bootstrap` wires them by `config`.
"""
