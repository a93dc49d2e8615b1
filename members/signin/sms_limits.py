"""How many codes we text per day: per number, member, client network, country, and in total.

Signed-in members have their own budget for each number, and the last quarter of the country's and
the total cap: someone who keeps signing up with a stranger's number can't use those up.

Texts cost money, and "SMS pumping" makes a business pay for texts to numbers that a fraudster earns
from. allauth's own limits (one code every 30 seconds per number, three a minute per address) slow
it down but don't limit the day's bill. These caps are counted in a table, not in the cache: a cache
may be cleared or evict under pressure, which would help an attacker, and staff can look at rows.
One lock makes counting and inserting one step; codes are rare enough for that.
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
from django.utils.translation import gettext_lazy as _

from members import phones
from members.models import PhoneCode
from members.signin.budgets import Budget

WINDOW = timedelta(days=1)
KEPT_FOR = timedelta(days=7)
VISITORS_SHARE = 0.75
LOCK = 7_446_001  # PostgreSQL advisory locks are named by number; nothing else uses this one.

TOO_MANY_FOR_YOU = _(
    "We’ve sent several codes already. Try again tomorrow. Everything else works without a phone "
    "number."
)
TOO_MANY_FOR_ALL = _(
    "We can’t text any more codes today. Try again tomorrow. Everything else works without a phone "
    "number."
)


class TooManyCodesError(RateLimited):  # type: ignore[misc]  # allauth has no types
    """Today's codes are used up. The text is for the member."""


@dataclass(frozen=True)
class Recipient:
    """Whom a code is for, and who requests it. `client` is an IP address.

    `is_member`: the user is signed in rather than signing up.
    """

    phone: str
    client: str
    user: User | None = None
    is_member: bool = False

    @property
    def network(self) -> str:
        """The client's address; for IPv6 the /64, since one customer has billions of addresses."""
        address = ipaddress.ip_address(self.client)
        if address.version == 4:
            return str(address)
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)

    @property
    def is_new(self) -> bool:
        """Whether the member joined within a day: accounts can be made by the dozen."""
        return self.user is None or self.user.date_joined > timezone.now() - WINDOW


def refusal(recipient: Recipient) -> str:
    """Return a sentence that says why no code can be sent now, or "" if one can."""
    counts = _counts(recipient)
    used_up = {name for name, cap in _caps(recipient).items() if counts[name] >= cap}
    if used_up & {"phone", "member", "client"}:
        return str(TOO_MANY_FOR_YOU)
    return str(TOO_MANY_FOR_ALL) if used_up else ""


def spacing(request: HttpRequest, phone: str) -> Budget:
    """Return the key that spaces codes to a number, separately for visitors and members."""
    if request.user.is_authenticated:
        return Budget("text_code_of_member", f"{request.user.pk}:{phone}")
    return Budget("text_code", phone)


@transaction.atomic
def spend(recipient: Recipient) -> None:
    """Count one more code for this recipient. Raises TooManyCodesError if none is left."""
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
    """Delete rows that no cap counts anymore; return how many."""
    deleted, _rows = PhoneCode.objects.filter(sent_at__lt=timezone.now() - KEPT_FOR).delete()
    return deleted


def _caps(recipient: Recipient) -> dict[str, int]:
    """Return the caps that apply to this recipient."""
    caps = dict(settings.SMS_CODES_PER_DAY)
    if not recipient.is_member:
        return caps | {name: ceil(caps[name] * VISITORS_SHARE) for name in ("country", "total")}
    if not recipient.is_new:
        # Anyone may share their network.
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
