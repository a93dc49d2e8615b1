"""Refunds from the request to the bank, their policy, and their ledger.

Imports `membership` and below.
"""
