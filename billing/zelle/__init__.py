"""Payments by Zelle: what's awaited, what banks said, and which money is for what.

It may import `payments`, `refunds`, and below.
"""
