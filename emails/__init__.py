"""Messages: what is said, the outbox, and delivery by email and SMS.

It knows of members only how to reach them.
"""
