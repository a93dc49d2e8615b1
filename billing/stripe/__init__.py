"""The border to Stripe: the only package that imports its SDK. It may import `core`.

`gateway` asks, `snapshots` reads the answers, and `failures` words what went wrong.
"""
