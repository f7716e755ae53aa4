"""`lodeline`: the command line of participants, auditors and buyers."""
