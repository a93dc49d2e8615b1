"""Tells others when a member's email address changes.

`ADDRESS_CHANGES` names the function, since this app knows nothing about money.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.module_loading import import_string


def followed(user: User) -> AbstractContextManager[None]:
    """Return the context manager for changing a user's address, in the same transaction."""
    surrounding: AbstractContextManager[None] = import_string(settings.ADDRESS_CHANGES)(user)
    return surrounding
