"""Comparing with Stripe, bringing in its history, telling it what changed.

Imports `inbound` and below.
"""
