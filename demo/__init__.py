"""bin/demo: the product with the sandbox, filled with a year of business.

`launch` starts it, `seed` has its members and what they did, and `seed_refunds` their refunds. It
uses the product through its front door.
"""
