"""How passwords are hashed: Argon2id, with OWASP's numbers."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Django's hasher with less memory per password.

    Its own takes 100 MiB and eight threads, so a few sign-ins at a time would use up a small
    server's memory. OWASP's Password Storage Cheat Sheet says 19 MiB, two rounds, one thread. A
    stored hash with other numbers is replaced when its owner signs in.
    """

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1
