"""Money: what Stripe says about it, and what members and staff decide.

Each package may import only those below it.
"""
