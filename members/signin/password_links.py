"""Use case: staff email someone a link to set a new password; they never set it themselves."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from common.links import portal_url
from emails.models import Channel
from emails.outbox import put_account
from members import access_changes
from members.contexts import PasswordLink
from members.models import AccessChange

SENT = "A link to a new password was sent."
USED = "A new password was set by a link that our team sent."


def send(user: User, actor: User) -> None:
    """Email someone a link to choose a new password.

    Raises:
        AccessRefused: the account is deactivated or has no address.
    """
    if not (user.is_active and user.email):
        raise access_changes.AccessRefused("This account is switched off, or has no email address.")
    arguments = [user_pk_to_url_str(user), default_token_generator.make_token(user)]
    url = portal_url("account_reset_password_from_key", *arguments)
    context = PasswordLink(url=url, actor=str(actor))
    good_for = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    with transaction.atomic():
        put_account(Channel.EMAIL, user.email, context, user, good_for)
        if user.is_staff or user.is_superuser:
            # The person has the link itself.
            access_changes.record(user, actor, SENT, tells_person=False)


def used(user: User) -> None:
    """Record that a password was set with such a link; it counts as set by the sender."""
    if user.is_staff or user.is_superuser:
        sent = AccessChange.objects.filter(user=user, what=SENT).first()
        access_changes.record(user, sent.actor if sent else None, USED, tells_person=False)
