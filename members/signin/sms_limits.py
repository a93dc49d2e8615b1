"""How many codes we text: per number, member, client network, country and in all, a day.

Who is signed in has a budget of their own for each number, and the last quarter of what a country
and all may have: whoever signs up with somebody's number, again and again, uses up neither.

Texts cost money, and "SMS pumping" makes a business pay for texts to numbers that a fraudster earns
from. allauth's own limits (a code every 30 seconds a number, three a minute an address) slow it
down but do not bound the day's bill. These caps are counted in a table and not in the cache: a
cache may be emptied or evict under pressure, which is what an attacker would wish for, and staff
can look at the rows. One lock makes count and insert one step; codes are rare enough for that.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from allauth.core.exceptions import RateLimited
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from members import phones
from members.models import PhoneCode
from members.signin.budgets import Budget

WINDOW = timedelta(days=1)
KEPT_FOR = timedelta(days=7)
VISITORS_SHARE = 0.75
LOCK = 7_446_001  # PostgreSQL advisory locks are named by a number; this one is ours alone.

TOO_MANY_FOR_YOU = (
    "We have sent several codes already. Try again tomorrow; until then, everything else works "
    "without a phone number."
)
TOO_MANY_FOR_ALL = (
    "We can’t text any more codes today. Try again tomorrow; until then, everything else works "
    "without a phone number."
)


class TooManyCodesError(RateLimited):  # type: ignore[misc]  # allauth has no types
    """The day's codes are used up. Its text is for the member."""


@dataclass(frozen=True)
class Recipient:
    """Whom a code is for and who asks for it. `client` is an IP address.

    `is_member`: the user is signed in, and not about to sign up.
    """

    phone: str
    client: str
    user: User | None = None
    is_member: bool = False

    @property
    def network(self) -> str:
        """The client's address; of IPv6 the /64, of which one customer has billions."""
        address = ipaddress.ip_address(self.client)
        if address.version == 4:
            return str(address)
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)

    @property
    def is_new(self) -> bool:
        """Whether the member joined within a day: accounts are made by the dozen, too."""
        return self.user is None or self.user.date_joined > timezone.now() - WINDOW


def refusal(recipient: Recipient) -> str:
    """Return the sentence that says why no more codes are sent now, or "" if one may be sent."""
    counts = _counts(recipient)
    used_up = {name for name, cap in _caps(recipient).items() if counts[name] >= cap}
    if used_up & {"phone", "member", "client"}:
        return TOO_MANY_FOR_YOU
    return TOO_MANY_FOR_ALL if used_up else ""


def spacing(request: HttpRequest, phone: str) -> Budget:
    """Return what keeps the codes to a number apart: a visitor's, or those of who is signed in."""
    if request.user.is_authenticated:
        return Budget("text_code_of_member", f"{request.user.pk}:{phone}")
    return Budget("text_code", phone)


@transaction.atomic
def spend(recipient: Recipient) -> None:
    """Count one more code for this recipient; raises TooManyCodesError where none is left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if sentence := refusal(recipient):
        raise TooManyCodesError(sentence)
    PhoneCode.objects.create(
        user=recipient.user,
        phone=recipient.phone,
        country=phones.country(recipient.phone),
        client=recipient.network,
    )


def forget_old() -> int:
    """Delete what no cap counts any more; return how many rows that were."""
    deleted, _ = PhoneCode.objects.filter(sent_at__lt=timezone.now() - KEPT_FOR).delete()
    return deleted


def _caps(recipient: Recipient) -> dict[str, int]:
    """Return the caps that hold for this recipient."""
    caps = dict(settings.SMS_CODES_PER_DAY)
    if not recipient.is_member:
        return caps | {name: ceil(caps[name] * VISITORS_SHARE) for name in ("country", "total")}
    if not recipient.is_new:
        # Who shares the network with them may be anybody.
        del caps["client"]
    return caps


def _counts(recipient: Recipient) -> dict[str, int]:
    by_user = Q(user=recipient.user) if recipient.user else Q(pk__in=[])
    to_phone = Q(phone=recipient.phone)
    recent = PhoneCode.objects.filter(sent_at__gt=timezone.now() - WINDOW)
    return recent.aggregate(
        phone=Count("id", filter=to_phone & by_user if recipient.is_member else to_phone),
        member=Count("id", filter=by_user),
        client=Count("id", filter=Q(client=recipient.network)),
        country=Count("id", filter=Q(country=phones.country(recipient.phone))),
        total=Count("id"),
    )
