"""Use case: staff correct a member's contact data, and the member confirms it.

A new email address counts once its owner has followed a link sent there; until then nothing
changes. A new phone number waits for its code, like every number. Both are announced to the
member's current address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from common import addresses
from common.links import portal_url
from emails.models import Channel
from emails.outbox import put_account
from members import accounts, activity, address_changes, contact_notices, languages, phones
from members.contexts import AddressLink
from members.models import ActivityBy, ActivityKind

SALT = "members.corrections"
LINK_WORKS_FOR = timedelta(days=3)


class CorrectionRefused(Exception):
    """It can't be corrected this way; the text is for the staff member."""


class LinkRefused(Exception):
    """The link doesn't work (anymore); the text is for the person who followed it."""


@dataclass(frozen=True)
class Proposal:
    """An address that staff entered for a member, waiting for its owner to confirm it."""

    user: User
    email: str


def propose_email(user: User, email: str) -> None:
    """Send a link to a member's new address, and a notice to the current one.

    Raises:
        CorrectionRefused: the address is taken or already theirs, or they're staff.
    """
    _refuse_staff(user)
    if email == addresses.canonical(user.email):
        raise CorrectionRefused(_("This is already their email address."))
    if accounts.is_taken(email):
        raise CorrectionRefused(_("Someone already has an account with this address."))
    token = signing.dumps({"user": user.pk, "old": user.email, "new": email}, salt=SALT)
    link = portal_url("members:confirm-email", token)
    with transaction.atomic():
        put_account(
            Channel.EMAIL,
            email,
            AddressLink(url=link, days=LINK_WORKS_FOR.days),
            user,
            LINK_WORKS_FOR,
        )
        with languages.of(user):
            sentence = _(
                "Our team was asked to change it to {email}. The new address has to confirm."
            ).format(email=email)
            contact_notices.tell(user, _("Your email address is about to change"), sentence)


def proposal_of(token: str) -> Proposal:
    """Return what a link is about.

    Raises:
        LinkRefused: it's older than three days, was used or replaced, or isn't ours.
    """
    try:
        named: dict[str, Any] = signing.loads(token, salt=SALT, max_age=LINK_WORKS_FOR)
    except signing.SignatureExpired as error:
        raise LinkRefused(_("This link has expired. Ask us for a new one.")) from error
    except signing.BadSignature as error:
        raise LinkRefused(_("This link isn’t complete. Copy all of it from our email.")) from error
    user = User.objects.filter(pk=named["user"], email=named["old"], is_active=True).first()
    if user is None or user.is_staff:
        raise LinkRefused(_("This link was already used, or the address has changed since."))
    return Proposal(user, named["new"])


@transaction.atomic
def confirm_email(token: str) -> Proposal:
    """Make the new address the member's own; it counts as verified.

    Raises:
        LinkRefused: as for `proposal_of`, or someone else has taken the address since.
    """
    proposal = proposal_of(token)
    user = User.objects.select_for_update().get(pk=proposal.user.pk)
    proposal_of(token)
    if accounts.is_taken(proposal.email, besides=user):
        raise LinkRefused(
            _("Another account uses this address now. Write to us, and we’ll sort it out.")
        )
    activity.record(user, ActivityKind.EMAIL, by=ActivityBy.STAFF)
    with languages.of(user):
        contact_notices.tell(
            user,
            _("Your email address was changed"),
            _("Your account now uses {email}.").format(email=proposal.email),
        )
    with address_changes.followed(user):
        EmailAddress.objects.filter(user=user).delete()
        EmailAddress.objects.create(user=user, email=proposal.email, verified=True, primary=True)
        user.email = proposal.email
        user.save(update_fields=["email"])
    return proposal


def correct_phone(user: User, phone: str) -> None:
    """Save a member's new number (E.164). It gets no texts until its code is entered.

    Raises:
        CorrectionRefused: it's already theirs, someone else has verified it, or they're staff.
    """
    _refuse_staff(user)
    if phone == str(user.member.phone):
        raise CorrectionRefused(_("This is already their phone number."))
    if phones.owner(phone):
        raise CorrectionRefused(_("Another member has verified this phone number."))
    with transaction.atomic():
        phones.attach(user, phone)
        number = phones.international(phone)
        activity.record(user, ActivityKind.PHONE, by=ActivityBy.STAFF)
        with languages.of(user):
            sentence = _(
                "Our team changed it to {number} on request. We’ll text you there once you verify "
                "it on your account page."
            ).format(number=number)
            contact_notices.tell(user, _("Your phone number was changed"), sentence)


def _refuse_staff(user: User) -> None:
    """Keep staff from taking over a colleague's account through its address."""
    if user.is_staff or user.is_superuser:
        raise CorrectionRefused(_("People on the team change their own address and number."))
    if not user.is_active:
        raise CorrectionRefused(_("This account is closed."))
