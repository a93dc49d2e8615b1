"""Open an account on someone's behalf: for staff, for the demo's world, and for tests."""

import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import transaction

from common import addresses
from members import languages, names
from members.models import Member


@transaction.atomic
def open_account(email: str, name: str, password: str | None = None, **fields: Any) -> User:
    """Make a user whose email address counts as verified, ready to sign in.

    Without a password they sign in by code. `fields` are columns of `User`, such as `is_staff`.
    """
    email = addresses.canonical(email)
    first, last = names.split(name)
    user = User.objects.create_user(
        f"m-{secrets.token_hex(12)}", email, password, first_name=first, last_name=last, **fields
    )
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def keep_language(user: User) -> None:
    """Keep the language of the page that someone signed up on, if there's a choice."""
    if languages.is_chosen():
        Member.objects.filter(user=user).update(language=languages.spoken())


def is_taken(email: str, besides: User | None = None) -> bool:
    """Whether someone (else) has an account, or a pending change, with this address."""
    email = addresses.canonical(email)
    users = User.objects.filter(email__iexact=email)
    rows = EmailAddress.objects.filter(email__iexact=email)
    if besides:
        users, rows = users.exclude(pk=besides.pk), rows.exclude(user=besides)
    return users.exists() or rows.exists()
