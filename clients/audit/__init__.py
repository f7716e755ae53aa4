"""Auditing a whole log from its public files: reading, worker processes, and the checkpoint that is remembered.

What is checked stands in `ledger.evidence.audit`; here is everything that touches a disk, a socket or a process.
"""
