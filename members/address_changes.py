"""Who else must know when a member's email address changes.

`ADDRESS_CHANGES` names it, since this app knows nothing about money.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.module_loading import import_string


def followed(user: User) -> AbstractContextManager[None]:
    """Return what surrounds a change of a user's address, in the transaction that makes it."""
    surrounding: AbstractContextManager[None] = import_string(settings.ADDRESS_CHANGES)(user)
    return surrounding
