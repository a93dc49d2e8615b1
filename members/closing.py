"""A member leaves: their sign-in and personal data go, the books stay."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError

from billing import ledger_texts, outward, trials
from members import phones
from members.models import Device


@transaction.atomic
def close_account(user: User) -> None:
    """End a member's account for good. Their customer at Stripe is deleted by a job.

    Somebody whom nothing leads to is deleted. Of others the row stays, without name, address and
    number: invoices and payments lead to a member, and decisions on refunds to staff.
    """
    for session in UserSession.objects.filter(user=user):
        session.end()
    ledger_texts.forget(user)
    trials.remember(user)
    if not outward.leave(user) and _is_deleted(user):
        return
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    Device.objects.filter(user=user).delete()
    phones.remove(user)
    user.username, user.email = f"closed-{user.pk}", ""
    user.first_name = user.last_name = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.save()


def _is_deleted(user: User) -> bool:
    """Delete a user, unless something that must be kept leads to them."""
    try:
        with transaction.atomic():
            user.delete()
    except ProtectedError:
        return False
    return True
