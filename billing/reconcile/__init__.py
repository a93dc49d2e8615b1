"""Compares with Stripe, imports its history, and tells it what changed.

It may import `inbound` and below.
"""
