"""What keeps an account from being closed: money on its way, or still to be paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.core.dates import long_date
from billing.core.statuses import REFUND_UNDER_WAY, InvoiceStatus, PaymentStatus
from billing.models import Dispute, ExpectedTransfer, Invoice, Payment, Refund
from billing.pages.member_facts import ME
from billing.refunds import queries
from common.paths import numbered
from common.reads import Part, Reading, Results
from portal.models import PlannedClosing

MOST = 5  # of a kind

REFUNDS = Part(
    lambda: queries.visible_to(ME).filter(state__in=sorted(REFUND_UNDER_WAY)).order_by("pk")[:MOST]
)
OWED = Part(lambda: Refund.objects.still_owed().filter(customer__user=ME).order_by("pk")[:MOST])
DISPUTES = Part(lambda: Dispute.objects.running().filter(customer__user=ME)[:MOST])
UNPAID = Part(
    lambda: Invoice.objects.for_user(ME).filter(status=InvoiceStatus.OPEN, amount_remaining__gt=0)[
        :MOST
    ]
)
AT_BANKS = Part(
    lambda: Payment.objects.for_user(ME).filter(invoice=None, status=PaymentStatus.PROCESSING)[
        :MOST
    ]
)
AWAITED = Part(lambda: ExpectedTransfer.objects.filter(user=ME).open()[:MOST])
UNBOOKED = Part(lambda: ExpectedTransfer.objects.filter(user=ME).to_book()[:MOST])
NEWEST = Part(
    lambda: (
        Payment.objects.for_user(ME)
        .filter(Q(paid_at__isnull=False), status=PaymentStatus.SUCCEEDED)
        .order_by("-paid_at")[:1]
    )
)
PLANNED = Part(lambda: PlannedClosing.objects.filter(user=ME).planned()[:1])
PARTS = (REFUNDS, OWED, DISPUTES, UNPAID, AT_BANKS, AWAITED, UNBOOKED, NEWEST, PLANNED)
ALONE = Reading(*PARTS)


@dataclass(frozen=True)
class Blocker:
    """Why an account can't be closed now, and where to settle it."""

    text: str
    action: str = ""
    url: str = ""


def read(user: User) -> tuple[list[Blocker], PlannedClosing | None]:
    """Read what keeps a member's account from being closed, and their plan to close it."""
    return of(user, ALONE(user=user.pk))


def of(user: User, results: Results) -> tuple[list[Blocker], PlannedClosing | None]:
    """Return the same from a reading with these `PARTS`."""
    planned = results.first(PLANNED)
    since = planned.created_at if planned else None
    found = [*_of_staff(user), *_of_refunds(results), *_of_bank(results), *_unpaid(results)]
    return [*found, *_paid_since(results, since)], planned


def _of_staff(user: User) -> Iterator[Blocker]:
    if user.is_staff or user.is_superuser:
        yield Blocker(_("This account opens the staff site. A colleague has to close it."))


def _of_refunds(results: Results) -> Iterator[Blocker]:
    for row in results[REFUNDS]:
        text = _("Your refund of %(amount)s is still under way.") % {"amount": row.money}
        yield Blocker(text, _("See the refund"), numbered("billing:refund", row.pk))
    for row in results[OWED]:
        text = _("Your refund of %(amount)s didn’t arrive, so we still owe it to you.")
        url = numbered("billing:refund", row.pk)
        yield Blocker(text % {"amount": row.money}, _("See the refund"), url)


def _of_bank(results: Results) -> Iterator[Blocker]:
    for row in results[DISPUTES]:
        text = _("Your bank is still deciding about a payment of %(amount)s.")
        yield Blocker(text % {"amount": row.money}, _("See payments"), reverse("billing:payments"))
    for paying in results[AT_BANKS]:
        text = _("Your payment of %(amount)s is still on its way from your bank.")
        yield Blocker(text % {"amount": paying.money})
    for sent in results[UNBOOKED]:
        text = _("Your Zelle payment of %(amount)s is still being recorded.")
        yield Blocker(text % {"amount": sent.money})


def _unpaid(results: Results) -> Iterator[Blocker]:
    for row in results[UNPAID]:
        text = _("Your invoice of %(amount)s isn’t paid.") % {"amount": row.money_remaining}
        yield Blocker(text, _("See the invoice"), numbered("billing:invoice", row.pk))
    for sent in results[AWAITED]:
        text = _("We’re waiting for your Zelle payment of %(amount)s.") % {"amount": sent.money}
        yield Blocker(text, _("Pay or cancel it"), numbered("billing:zelle", sent.pk))


def _paid_since(results: Results, since: datetime | None) -> Iterator[Blocker]:
    """A payment after the wish: perhaps they have changed their mind, and it can be refunded."""
    newest = results.first(NEWEST)
    if since is None or newest is None or newest.paid_at is None or newest.paid_at <= since:
        return
    text = _(
        "You paid %(amount)s on %(day)s, after you asked us to close your account. If you still"
        " want to close it, keep it first and then ask again."
    )
    yield Blocker(text % {"amount": newest.money, "day": long_date(newest.paid_at)})
