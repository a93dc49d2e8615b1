"""Closes an account: sign-in and personal data go, the books stay.

`docs/privacy.md` says what that means table by table, and a test looks for leftovers.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError, QuerySet, Value
from django.db.models.functions import Concat, Trim
from django.utils import timezone

import billing.forgetting
import common.forgetting
import emails.forgetting
from billing.facts import trials
from billing.models import Payment, Subscription
from billing.reconcile import push
from common.traces import Traces
from emails.models import Channel, Message, NotificationChoice
from emails.outbox import put_goodbye
from members import access_changes, consent
from members.models import (
    AccountActivity,
    ConsentSource,
    Device,
    Member,
    PhoneCode,
    SignIn,
    SmsConsentRecord,
    TermsAcceptance,
)
from portal.backoffice import downloads, invitations, saved_views
from portal.backoffice.contexts import AccountClosed
from portal.models import (
    DataExport,
    MemberTag,
    MemberViewing,
    PlannedClosing,
    StaffNote,
    SupportMessage,
)
from portal.selfservice import contact

CLOSED = "closed-"


@transaction.atomic
def close_account(user: User) -> None:
    """Close a member's account for good. A job deletes their customer at Stripe.

    A user that nothing refers to is deleted. Others keep their row, without name, address, and
    number: invoices and payments refer to a member, and decisions on refunds to staff.

    Raises:
        AccessRefused: it's the last owner's.
    """
    access_changes.closing(user)
    traces = traces_of(user)
    put_goodbye(user, _last_words(user))
    # While their addresses still exist: only digests of them are kept.
    trials.remember(user)
    has_customers = push.leave(user)
    _sign_out(user, traces)
    # Before the rows are gone that lead to the log's entries.
    common.forgetting.forget_log(user, traces)
    _empty(user)
    forget(User.objects.filter(pk=user.pk))
    PhoneCode.objects.filter(phone__in=traces.numbers).delete()
    contact.forget(traces)
    downloads.forget(traces)
    saved_views.forget_traces(traces)
    invitations.forget(user, traces)
    billing.forgetting.forget_traces(user, traces)
    emails.forgetting.forget_traces(traces)
    common.forgetting.forget_jobs(traces)
    if not has_customers:
        _delete(user)


def _last_words(user: User) -> AccountClosed:
    running = Subscription.objects.filter(customer__user=user).live()
    return AccountClosed(
        name=user.first_name,
        at=timezone.now(),
        had_membership=running.memberships().exists(),
        was_charged=running.exists(),
        has_books=Payment.objects.filter(customer__user=user).exists(),
    )


def closed_users() -> QuerySet[User]:
    """Return the users who have left but whose row must be kept."""
    return User.objects.filter(is_active=False, username__startswith=CLOSED, email="")


def forget(users: QuerySet[User]) -> None:
    """Delete what belongs to users who have left, including what was written since."""
    billing.forgetting.forget(users)
    emails.forgetting.forget(users)
    EmailAddress.objects.filter(user__in=users).delete()
    Authenticator.objects.filter(user__in=users).delete()
    SocialAccount.objects.filter(user__in=users).delete()
    SignIn.objects.filter(user__in=users).delete()
    AccountActivity.objects.filter(user__in=users).delete()
    Device.objects.filter(user__in=users).delete()
    NotificationChoice.objects.filter(user__in=users).delete()
    DataExport.objects.filter(user__in=users).delete()
    SupportMessage.objects.filter(user__in=users).delete()
    PlannedClosing.objects.filter(user__in=users).delete()
    StaffNote.objects.filter(user__in=users).delete()
    saved_views.forget(users)
    MemberTag.objects.filter(user__in=users).delete()
    MemberViewing.objects.filter(user__in=users).delete()
    PhoneCode.objects.filter(user__in=users).delete()
    TermsAcceptance.objects.filter(user__in=users).exclude(ip=None).update(ip=None)
    consents = SmsConsentRecord.objects.filter(member__user__in=users)
    consents.exclude(phone="", ip=None).update(phone="", ip=None)
    # What they wrote; the words that they were shown stay, as the proof.
    consents.filter(source=ConsentSource.REPLY).exclude(words="").update(words="")
    Member.objects.filter(user__in=users).exclude(phone="", time_zone="").update(
        phone="", phone_verified_at=None, time_zone=""
    )


def traces_of(user: User) -> Traces:
    """Return what identifies a user, here and at Stripe, now and in the past.

    Names and contact data shared with someone else are left out: they'd find the wrong person.
    """
    at_stripe = list(billing.forgetting.traces_of(user))
    sent = Message.objects.filter(user=user).values_list("channel", "recipient").distinct()
    own = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    codes = PhoneCode.objects.filter(user=user).values_list("phone", flat=True)
    consents = SmsConsentRecord.objects.filter(member__user=user).values_list("phone", flat=True)
    numbers = [user.member.phone, *codes, *consents]
    return Traces.of(
        [
            *(user.email, user.username, *own, *(address for address, _ in at_stripe)),
            *(to for by, to in sent if by == Channel.EMAIL),
        ],
        [
            number
            for number in {*map(str, numbers), *(to for by, to in sent if by == Channel.SMS)}
            if number and not Member.objects.filter(phone=number).exclude(user=user).exists()
        ],
        [
            name
            for name in {user.get_full_name(), *(name for _, name in at_stripe)}
            if not _others_called(name, user).exists()
        ],
    )


def _others_called(name: str, user: User) -> QuerySet[User]:
    full = Trim(Concat("first_name", Value(" "), "last_name"))
    return User.objects.alias(full=full).filter(full__iexact=name.strip()).exclude(pk=user.pk)


def _sign_out(user: User, traces: Traces) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()
    UserSession.objects.filter(user=user).delete()
    common.forgetting.forget_sessions(user, traces)


def _empty(user: User) -> None:
    consent.stop(user.member, ConsentSource.ACCOUNT)
    user.username, user.email = f"{CLOSED}{user.pk}", ""
    user.first_name = user.last_name = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()


def _delete(user: User) -> None:
    """Delete a user, unless something that must be kept refers to them."""
    try:
        with transaction.atomic():
            user.delete()
    except ProtectedError:
        return
