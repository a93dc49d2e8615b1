"""bin/demo: the product beside the sandbox, filled with a year of business.

Imports the product over its front door.
"""
