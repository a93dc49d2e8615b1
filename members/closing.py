"""A member leaves: their sign-in and personal data go, the books stay."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.db import transaction

from billing import outward
from members import phones


@transaction.atomic
def close_account(user: User) -> None:
    """End a member's account for good. Their customer at Stripe is deleted by a job.

    Somebody who never had a customer is deleted. Of others the row stays, without name, address
    and number: invoices and payments lead to it, and the law wants them kept.
    """
    for session in UserSession.objects.filter(user=user):
        session.end()
    if not outward.leave(user):
        user.delete()
        return
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    phones.remove(user)
    user.username, user.email = f"closed-{user.pk}", ""
    user.first_name = user.last_name = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.save()
