"""Who owns an email address, by its mailbox's one spelling, and whether we can reach it."""

from __future__ import annotations

import logging
import smtplib

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.mail import get_connection
from django.utils.translation import gettext_lazy as _

from common import addresses
from emails import smtp

logger = logging.getLogger(__name__)

ASKED_FOR_SECONDS = 600
NOT_CARRIED = _(
    "We can’t send email to an address with a letter like “{letter}” before the @. Enter a "
    "different one."
)


def users_of(email: str) -> list[User]:
    """Return the user (one or none) who signs in with this address, however it's spelled."""
    return list(User.objects.filter(email__iexact=addresses.canonical(email))[:2])


def check_reachable(email: str) -> None:
    """Raise ValidationError for an address that our mail server can't deliver to.

    Few servers accept non-ASCII letters before the @. Someone who signs up with one would wait for
    a code that never comes. A server that can't be asked now gets the benefit of the doubt.
    """
    if not addresses.needs_smtputf8(email) or _is_offered():
        return
    letter = next(one for one in email if not one.isascii())
    raise ValidationError(NOT_CARRIED.format(letter=letter))


def keep(user: User) -> None:
    """Give a new user allauth's address row, which allauth omits for ü before the @."""
    if user.email and not EmailAddress.objects.filter(user=user).exists():
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)


def _is_offered() -> bool:
    if settings.EMAIL_PROVIDER:
        # Few providers carry such an address, and none tells.
        return False
    if not isinstance(get_connection(), smtp.EmailBackend):
        return True
    key = f"smtputf8:{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    known = cache.get(key)
    if known is None:
        try:
            known = smtp.offers_smtputf8()
        except (smtplib.SMTPException, OSError) as error:
            logger.info("Whether the mail server takes SMTPUTF8 can't be asked now: %s", error)
            return True
        cache.set(key, known, ASKED_FOR_SECONDS)
    return bool(known)
