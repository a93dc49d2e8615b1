"""Refunds from request to bank, with their policy and ledger.

It may import `membership` and below.
"""
