"""Messages: their catalog, the outbox, and delivery by email and text.

All it knows about members is how to reach them. It may import the lower modules of `members`, and
`common`. The words themselves are in `templates/emails/` and `templates/sms/`.
"""
