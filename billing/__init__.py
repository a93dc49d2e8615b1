"""Money: what Stripe says of it, and what members and staff decide.

Each room imports only rooms below it.
"""
