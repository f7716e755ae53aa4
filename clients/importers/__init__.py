"""Spreadsheets in: CSV and Excel lists of extracts, dispatches and receipts become signed custody records.

Strict by intent: a value that could be read in two ways (12/11/2026, 1,000) is refused with its row and column and the
spelling to use, because what is imported is signed and cannot be taken back.
"""
