"""A member's yes or no to text messages: the only place that changes it.

The latest answer counts: a yes at sign-up (kept until the number is verified), on the account page,
or by replying START; a no on the account page or by replying STOP. Each is recorded.
"""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from members import numbers
from members.models import ConsentSource, Member, SmsConsentRecord

SESSION_KEY = "members_text_messages_wanted"


@dataclass(frozen=True)
class Basis:
    """What proves an answer: the words shown, or what a text said, and where it came from."""

    words: str = ""
    ip: str | None = None


NO_BASIS = Basis()
LONGEST_WORDS = 1000


@transaction.atomic
def agree(member: Member, source: ConsentSource, basis: Basis = NO_BASIS) -> bool:
    """Record a yes to text messages. Return whether it changed anything."""
    locked = Member.objects.select_for_update().get(pk=member.pk)
    changed = not locked.agreed_to_sms
    if changed:
        locked.sms_consent_at = timezone.now()
        locked.sms_consent_source = source
        locked.sms_stopped_at = None
        _save(locked, agreed=True, source=source, basis=basis)
    _show(locked, member)
    return changed


@transaction.atomic
def stop(member: Member, source: ConsentSource, basis: Basis = NO_BASIS) -> bool:
    """Record a no to text messages. Return whether it changed anything.

    A STOP from someone who never agreed counts too: their carrier blocks us from then on.
    """
    locked = Member.objects.select_for_update().get(pk=member.pk)
    changed = locked.sms_stopped_at is None and (
        locked.agreed_to_sms or source == ConsentSource.REPLY
    )
    if changed:
        locked.sms_stopped_at = timezone.now()
        _save(locked, agreed=False, source=source, basis=basis)
    _show(locked, member)
    return changed


def stopped_by_reply(member: Member) -> bool:
    """Whether the latest answer was a STOP by text, after which only a START lets texts through.

    The phone's carrier, or Twilio, has that STOP as well, and our pages can't take it back there.
    """
    if member.sms_stopped_at is None:
        return False
    latest = SmsConsentRecord.objects.filter(member=member).order_by("-id").first()
    return latest is not None and not latest.agreed and latest.source == ConsentSource.REPLY


@dataclass(frozen=True)
class Heard:
    """Who a reply came from: whether we know them, and for whom it changed anything."""

    is_known: bool
    changed: list[Member]


def stop_by_reply(phone: str, words: str = "") -> Heard:
    """Record a STOP from this number, in either form, for everyone who gave it to us."""
    members = list(Member.objects.filter(phone=numbers.kept(phone)).select_related("user"))
    basis = Basis(words)
    return Heard(bool(members), [one for one in members if stop(one, ConsentSource.REPLY, basis)])


def start_by_reply(phone: str, words: str = "") -> Heard:
    """Record a START from this number, in either form, for the member who verified it."""
    matches = Member.objects.filter(phone=numbers.kept(phone), phone_verified_at__isnull=False)
    members = list(matches.select_related("user"))
    basis = Basis(words)
    return Heard(bool(members), [one for one in members if agree(one, ConsentSource.REPLY, basis)])


def _save(member: Member, *, agreed: bool, source: ConsentSource, basis: Basis) -> None:
    member.save(update_fields=["sms_consent_at", "sms_consent_source", "sms_stopped_at"])
    SmsConsentRecord.objects.create(
        member=member,
        agreed=agreed,
        source=source,
        phone=member.phone,
        words=basis.words[:LONGEST_WORDS],
        ip=basis.ip,
    )


def _show(locked: Member, member: Member) -> None:
    """Update the caller's own copy of the row."""
    member.sms_consent_at = locked.sms_consent_at
    member.sms_consent_source = locked.sms_consent_source
    member.sms_stopped_at = locked.sms_stopped_at


def remember_wish(request: HttpRequest, user: User, basis: Basis, *, wanted: bool) -> None:
    """Keep the checkbox from sign-up until the number is verified; a number isn't consent."""
    if wanted:
        request.session[SESSION_KEY] = {"user": user.pk, "words": basis.words, "ip": basis.ip}
    else:
        request.session.pop(SESSION_KEY, None)


def fulfil_wish(request: HttpRequest, user: User) -> bool:
    """Record the consent given at sign-up, now that the number is verified.

    Return whether there was one and it changed anything.
    """
    wish = request.session.pop(SESSION_KEY, None)
    if not isinstance(wish, dict) or wish["user"] != user.pk:
        return False
    return agree(user.member, ConsentSource.SIGNUP, Basis(wish["words"], wish["ip"]))


def drop_wish(request: HttpRequest) -> None:
    """Forget the consent given at sign-up: the number wasn't verified."""
    request.session.pop(SESSION_KEY, None)
