"""Messages: their catalog, the outbox, and delivery by email and text.

All it knows about members is how to reach them.
"""
