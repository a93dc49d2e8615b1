"""bin/demo: the product with the sandbox, filled with a year of business.

It uses the product through its front door.
"""
