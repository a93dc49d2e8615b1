"""Compares our copy with Stripe, field by field. Nothing is written, here or at Stripe.

It asks Stripe for whole lists, a hundred objects per request. Rows read after the comparison began
are newer than what they'd be compared with, and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from billing.models import BalanceReading, BalanceTransaction, Customer, Payout
from billing.models.copy import StripeCopy
from billing.reconcile.at_stripe import KINDS, OF_CUSTOMER, AtStripe, Kind, Seen
from billing.stripe import gateway
from billing.sync import columns, writing

PAGE = 100
# What's compared besides objects: the balance of each currency, and what payouts pay out.
BALANCE, TOTAL, PAID_OUT = "balance", "total", "paid_out"
# Money may move between two requests; a balance that still differs then is wrong.
LASTING = timedelta(minutes=30)
CONTENTS_COMPARED = timedelta(days=35)
COMPLETED = "completed"
SHOWN = 3
# `ORPHAN`: it has our mark in its metadata, but belongs to no record here.
THERE, MISSING, ORPHAN = "there", "missing", "orphan"
# Stripe has it in a form that we can't read; the reason is in the log.
UNREADABLE = "unreadable"
# Addresses of Stripe's pages change with every read; our pages fetch a fresh one on click.
ADDRESSES = frozenset({"hosted_url", "pdf_url", "receipt_url"})
# Payments that were read before it was copied have none, and nothing depends on it.
UNCOMPARED = ADDRESSES | {"statement_descriptor"}
NAMES = frozenset({"email", "name", *columns.NO_DETAILS})

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Difference:
    """One field that differs, or no field if the whole object is on one side only."""

    customer: str
    object: str
    id: str
    field: str
    ours: str
    stripe: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON for the report's row."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison. `invoice_of` has each payment's invoice."""

    customers: int
    differences: list[Difference]
    invoice_of: dict[str, str]

    @property
    def agreeing(self) -> int:
        """How many customers agree in all their objects."""
        return self.customers - len(_whose(self.differences))


@dataclass(frozen=True)
class Progress:
    """How far a comparison has come: the kind that's being compared, and objects seen so far."""

    kind: str
    number: int
    of: int
    seen: int


def tell_nobody(_progress: Progress) -> None:
    """Don't say how far it has come."""


def compare(tell: Callable[[Progress], None] = tell_nobody) -> Comparison:
    """Compare all members' customers, and everything they have.

    `tell` hears of each kind, and of each page of Stripe's lists.

    Raises:
        gateway.StripeError: Stripe didn't answer.
    """
    begun = writing.database_now()
    at_stripe = AtStripe()
    known = set(Customer.objects.values_list("stripe_id", flat=True))
    differences: list[Difference] = []
    seen = 0
    for number, kind in enumerate(KINDS, start=1):
        whose = None if kind is OF_CUSTOMER or kind.of_account else known
        tell(Progress(kind.name, number, len(KINDS), seen))
        for page, found in _differences(kind, at_stripe, begun, whose):
            differences += found
            seen += page
            tell(Progress(kind.name, number, len(KINDS), seen))
    differences += _balance(begun)
    customers = known | _whose(differences)
    return Comparison(len(customers), differences, at_stripe.invoice_of)


def compare_one(name: str, stripe_id: str) -> list[Difference]:
    """Compare one object, as our row and Stripe are now.

    Raises:
        gateway.StripeError: Stripe didn't answer.
    """
    if name == BALANCE:
        return [one for one in _balance(writing.database_now()) if one.id == stripe_id]
    [kind] = [one for one in KINDS if one.name == name]
    rows: QuerySet[Any] = kind.model._default_manager.select_related(*kind.links)
    row, at_stripe = rows.filter(stripe_id=stripe_id).first(), AtStripe()
    if row is not None:
        return list(_unlisted(kind, at_stripe, row, writing.database_now()))
    try:
        seen = kind.read(at_stripe, stripe_id)
    except gateway.StripeMissing:
        return []
    return [Difference(seen.customer_id, name, stripe_id, "", MISSING, THERE)]


def _balance(now: datetime) -> list[Difference]:
    """Return the currencies whose balance here has differed from Stripe's for a while."""
    reading = BalanceReading.objects.filter(differs_since__lt=now - LASTING).first()
    if reading is None:
        return []
    return [
        Difference("", BALANCE, one, TOTAL, str(reading.totals.get(one, 0) - lacks), str(total))
        for one, lacks in sorted(reading.differences.items())
        for total in [reading.totals.get(one, 0)]
    ]


def _contents(payout: Payout) -> Iterator[Difference]:
    """Yield a difference if a payout pays out something else at Stripe.

    What adds up and is old was compared before, and never changes.
    """
    ours = dict(payout.paid_out.values_list("stripe_id", "net"))
    is_old = payout.created_at < writing.database_now() - CONTENTS_COMPARED
    if not payout.automatic or payout.reconciliation != COMPLETED:
        return
    if is_old and ours and not sum(ours.values()):
        return
    theirs = {one.id for one in gateway.list_transactions(payout_id=payout.stripe_id)}
    if theirs != {*ours}:
        yield Difference(
            "", "payout", payout.stripe_id, PAID_OUT, _ids({*ours}, theirs), _ids(theirs, {*ours})
        )


def _ids(mine: set[str], others: set[str]) -> str:
    """Say how many transactions one side has, and which the other lacks."""
    only = sorted(mine - others)
    more = f" and {len(only) - SHOWN} more" if len(only) > SHOWN else ""
    named = f": {', '.join(only[:SHOWN])}{more}" if only else ""
    return f"{len(mine)}{named}"


def _whose(differences: Iterable[Difference]) -> set[str]:
    """Return the customers that differ; what's the account's is no customer's."""
    return {one.customer for one in differences} - {""}


def _differences(
    kind: Kind, at_stripe: AtStripe, begun: datetime, known: set[str] | None
) -> Iterator[tuple[int, list[Difference]]]:
    """Yield how many were compared, and what differs: page by page, then rows not listed.

    Unreadable objects are reported, and the rest is compared. Without a row, only objects of
    `known` customers count; None counts all.
    """
    bad: list[gateway.Unreadable] = []
    rows: QuerySet[Any] = kind.model._default_manager.select_related(*kind.links)
    listed: set[str] = set()
    for page in _pages(kind.listed(at_stripe, bad)):
        ours = rows.in_bulk([seen.id for seen in page], field_name="stripe_id")
        listed |= {seen.id for seen in page}
        yield len(page), list(_of_page(kind, page, ours, begun, known))
    yield len(bad), list(_unreadable(kind, rows, bad, known))
    listed |= {one.id for one in bad}
    read_before = rows.filter(read_at__lte=begun)
    for row in [row for row in read_before.iterator() if row.stripe_id not in listed]:
        yield 1, list(_unlisted(kind, at_stripe, row, begun))


def _of_page(
    kind: Kind, page: list[Seen], ours: dict[str, Any], begun: datetime, known: set[str] | None
) -> Iterator[Difference]:
    """Yield the differences of a page of Stripe's list."""
    for seen in page:
        row = ours.get(seen.id)
        if row is not None:
            yield from _fields(kind, row, seen, begun)
        elif (known is None or seen.customer_id in known) and seen.is_kept():
            yield Difference(seen.customer_id, kind.name, seen.id, "", MISSING, THERE)
        elif seen.is_marked:
            yield Difference(seen.customer_id, kind.name, seen.id, "", ORPHAN, THERE)


def _unreadable(
    kind: Kind, rows: QuerySet[Any], bad: list[gateway.Unreadable], known: set[str] | None
) -> Iterator[Difference]:
    """Yield unreadable objects that are, or may be, a member's."""
    ours = rows.in_bulk([one.id for one in bad], field_name="stripe_id")
    for one in bad:
        row = ours.get(one.id)
        if row is not None:
            yield Difference(_owner(row), kind.name, one.id, "", THERE, UNREADABLE)
        elif known is None or not one.customer_id or one.customer_id in known:
            yield Difference(one.customer_id, kind.name, one.id, "", MISSING, UNREADABLE)


def _owner(row: Any) -> str:
    """Return the Stripe ID of a row's customer, or nothing for what's the account's."""
    if isinstance(row, Payout | BalanceTransaction):
        return ""
    return str(row.stripe_id if isinstance(row, Customer) else row.customer.stripe_id)


def _unlisted(kind: Kind, at_stripe: AtStripe, row: Any, begun: datetime) -> Iterator[Difference]:
    """Ask for one object that wasn't in the list."""
    try:
        yield from _fields(kind, row, kind.read(at_stripe, row.stripe_id), begun)
    except gateway.StripeMissing:
        yield Difference(_owner(row), kind.name, row.stripe_id, "", THERE, MISSING)
    except gateway.StripeFault:
        yield Difference(_owner(row), kind.name, row.stripe_id, "", THERE, UNREADABLE)


def _fields(kind: Kind, row: Any, seen: Seen, begun: datetime) -> Iterator[Difference]:
    if row.read_at > begun:
        return
    for name, theirs in seen.columns.items():
        if isinstance(row, Customer) and row.closed_at and name in NAMES:
            # People who left have no name here, and are about to be deleted at Stripe.
            continue
        ours = _plain(getattr(row, name))
        if name not in UNCOMPARED and ours != _plain(theirs):
            values = _text(ours), _text(_plain(theirs))
            yield Difference(_owner(row), kind.name, seen.id, name, *values)
    if isinstance(row, Payout):
        yield from _contents(row)


def _plain(value: Any) -> Any:
    """Return a comparable value: a row as its Stripe ID, None as an empty text."""
    if isinstance(value, Model):
        return value.stripe_id if isinstance(value, StripeCopy) else value.pk
    return "" if value is None else value


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _pages(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    iterator = iter(entries)
    while page := list(islice(iterator, PAGE)):
        yield page
