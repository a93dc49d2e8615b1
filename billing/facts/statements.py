"""A member's payments for bookkeeping: a spreadsheet list, and yearly statements.

Only money that arrived counts, not failed tries or payments that a bank is still processing.
Refunds, and amounts taken back in a dispute, count with their payment. Days are in the member's
time zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from django.contrib.auth.models import User
from django.db.models import DateTimeField, F, Func, IntegerField, QuerySet, Sum, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core import texts
from billing.core.statuses import CreditNoteStatus, PaymentStatus
from billing.facts import businesses, descriptions, income, plans
from billing.models import CreditNote, Payment
from common import addresses, days
from common.money import Money, plain_amount
from common.reads import Param, Person

COLUMNS = [
    "Date paid",
    "Description",
    "Invoice number",
    "Currency",
    "Amount",
    "Tax included",
    "Refunded",
    income.RETURNED,
    income.HELD,
    "Net",
    "Paid with",
    "Status",
]
FETCHED = 500  # rows at a time


@dataclass(frozen=True)
class Paid:
    """A payment that arrived. Amounts are in minor units; `tax` is included in `amount`.

    `returned` is what the member's bank took back, and `held` what it holds while it decides on a
    dispute. `state` is its state in words.
    """

    at: datetime
    description: str
    invoice_number: str
    currency: str
    amount: int
    tax: int
    refunded: int
    returned: int
    held: int
    method: str
    state: str

    @property
    def went_back(self) -> int:
        """What was refunded, or taken back by the bank, if only until it has decided."""
        return self.refunded + self.returned + self.held

    @property
    def net(self) -> int:
        """What's left of it."""
        return self.amount - self.went_back

    @property
    def shown(self) -> dict[str, Any]:
        """What a statement shows, as text; empty if there is none."""
        return {
            "date": self.at,
            "description": self.description,
            "invoice": self.invoice_number,
            "method": self.method,
            "tax": str(Money(self.tax, self.currency)) if self.tax else "",
            "refunded": str(Money(-self.refunded, self.currency)) if self.refunded else "",
            "returned": str(Money(-self.returned, self.currency)) if self.returned else "",
            "held": str(Money(-self.held, self.currency)) if self.held else "",
            "amount": str(Money(self.amount, self.currency)),
        }


@dataclass(frozen=True)
class Total:
    """A year's total in one currency."""

    currency: str
    paid: Money
    tax: Money
    refunded: Money
    returned: Money
    held: Money
    went_back: Money
    net: Money


@dataclass(frozen=True)
class Credit:
    """A credit note of the year."""

    at: datetime
    number: str
    invoice_number: str
    sentences: list[str]
    amount: Money


@dataclass(frozen=True)
class Statement:
    """A member's calendar year."""

    year: int
    name: str
    email: str
    billed_to: list[tuple[str, str]]  # who invoices name, with labels
    payments: list[Paid]
    credits: list[Credit]
    totals: list[Total]

    def as_document(self, made_at: datetime) -> dict[str, Any]:
        """Return the statement as the JSON that `templates/documents/statement.typ` shows."""
        return {
            "title": _("Statement for %(year)s") % {"year": self.year},
            "facts": [
                [_("For"), self.name],
                [_("Email"), self.email],
                *([what, value] for what, value in self.billed_to),
                [_("Period"), _period(self.year)],
                [_("Created on"), days.long(timezone.localtime(made_at))],
            ],
            "words": _document_words(),
            "payments": [_document_row(row) for row in self.payments],
            "credits": [
                [_day(row.at), row.number, " ".join(row.sentences), str(row.amount)]
                for row in self.credits
            ],
            "totals": [
                [row.currency, *map(str, (row.paid, row.tax, row.went_back, row.net))]
                for row in self.totals
            ],
        }


def _period(year: int) -> str:
    first, last = date(year, 1, 1), date(year, 12, 31)
    return _("%(first)s to %(last)s") % {"first": days.plain(first), "last": days.long(last)}


def _document_words() -> dict[str, str | list[str]]:
    """Return the headings of the document's tables."""
    paid, amount = _("Paid"), _("Amount")
    tax, refunded = _("Tax included"), _("Refunded")
    return {
        "payments": _("Payments"),
        "payments_head": [_("Paid on"), _("For"), tax, refunded, amount],
        "payments_note": _(
            "Refunds, bank returns, and what a bank holds in a dispute are listed under the"
            " original payment, whatever the date."
        ),
        "credits": _("Credit notes"),
        "credits_head": [_("Issued on"), _("Number"), _("How it was used"), amount],
        "total": _("Total"),
        "total_head": [_("Currency"), paid, tax, refunded, _("Net paid")],
    }


def payments_of(user: Person) -> QuerySet[Payment]:
    """Return a member's own payments that arrived, oldest first."""
    rows = Payment.objects.for_user(user).filter(
        status=PaymentStatus.SUCCEEDED, paid_at__isnull=False
    )
    joined = rows.select_related("invoice__subscription").prefetch_related("disputes")
    return joined.order_by("paid_at", "id")


def months(user: Person, zone: str | Param) -> QuerySet[Payment, tuple[int, int, str, int, int]]:
    """Return what a member paid by month, as a time zone counts months, newest first.

    Each is year, month, currency, what was paid, and what of it was refunded, in minor units.
    """
    name = zone if isinstance(zone, Param) else Value(zone)
    there = Func(name, F("paid_at"), function="timezone", output_field=DateTimeField())
    rows = payments_of(user).select_related(None).prefetch_related(None).order_by()
    dated = rows.annotate(year=_part("YEAR", there), month=_part("MONTH", there))
    summed = dated.values("year", "month", "currency").annotate(
        paid=Sum("amount_received"), back=Sum("amount_refunded")
    )
    return summed.order_by("-year", "-month", "currency").values_list(
        "year", "month", "currency", "paid", "back"
    )


def _part(name: str, there: Any) -> Func[Any]:
    template = f"EXTRACT({name} FROM %(expressions)s)"
    return Func(there, template=template, output_field=IntegerField())


def rows_of(user: User) -> Iterator[list[str]]:
    """Yield a member's payments as spreadsheet rows, under `COLUMNS`: three queries.

    The time zone is taken when this is called, not while the rows are sent.
    """
    zone = timezone.get_current_timezone()
    names = plans.product_names()
    rows = payments_of(user).iterator(chunk_size=FETCHED)
    return (spreadsheet_row(paid(row, names), zone) for row in rows)


def spreadsheet_row(row: Paid, zone: tzinfo) -> list[str]:
    """Return a payment under `COLUMNS`; amounts are plain numbers next to their currency."""
    amounts = (row.amount, row.tax, row.refunded, row.returned, row.held, row.net)
    return [
        f"{timezone.localtime(row.at, zone):%Y-%m-%d}",
        row.description,
        row.invoice_number,
        row.currency.upper(),
        *(plain_amount(amount, row.currency) for amount in amounts),
        row.method,
        row.state,
    ]


def statement_of(user: User, year: int) -> Statement | None:
    """Return a member's year, or None if they paid nothing in it: four queries."""
    names = plans.product_names()
    payments = [paid(row, names) for row in payments_in(user, year)]
    if not payments:
        return None
    return Statement(
        year=year,
        name=user.get_full_name() or user.email,
        email=addresses.readable(user.email),
        billed_to=businesses.of_member(user),
        payments=payments,
        credits=[_credit(row) for row in _credit_notes(user, *_bounds(year))],
        totals=_totals(payments),
    )


def payments_in(user: User, year: int) -> QuerySet[Payment]:
    """Return a member's payments that arrived in a year of their time zone, oldest first."""
    start, end = _bounds(year)
    return payments_of(user).filter(paid_at__gte=start, paid_at__lt=end)


def _bounds(year: int) -> tuple[datetime, datetime]:
    zone = timezone.get_current_timezone()
    return datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)


def paid(row: Payment, names: dict[str, str]) -> Paid:
    """Return a payment (with prefetched disputes) as a bookkeeper lists it.

    `names` are product names.
    """
    return Paid(
        at=row.paid_at or row.created_at,
        description=descriptions.of_payment(row, names),
        invoice_number=row.invoice.number if row.invoice else "",
        currency=row.currency,
        amount=row.amount_received,
        tax=_tax(row),
        refunded=row.amount_refunded,
        returned=income.returned(row),
        held=income.held(row),
        method=texts.card(row.card_brand, row.card_last4),
        state=income.label(row),
    )


def _tax(row: Payment) -> int:
    """Return the tax in a payment: its share of its invoice's tax.

    The part paid by credit had its tax when the credit's money came in. If an invoice also asked
    for an older debt, only its own tax counts.
    """
    invoice = row.invoice
    if invoice is None:
        return row.tax
    if invoice.total <= 0:
        return 0
    return round(invoice.tax * row.amount_received / max(invoice.total, invoice.amount_paid))


def _credit_notes(user: User, start: datetime, end: datetime) -> QuerySet[CreditNote]:
    rows = CreditNote.objects.for_user(user).exclude(status=CreditNoteStatus.VOID)
    notes = rows.filter(created_at__gte=start, created_at__lt=end)
    return notes.select_related("invoice").order_by("created_at", "id")


def _credit(row: CreditNote) -> Credit:
    return Credit(
        at=row.created_at,
        number=row.number,
        invoice_number=row.invoice.number,
        sentences=texts.credit_note(row),
        amount=Money(-row.amount, row.currency),
    )


def _totals(payments: list[Paid]) -> list[Total]:
    """Add up by currency, the one with the most payments first."""
    by_currency: dict[str, list[Paid]] = defaultdict(list)
    for row in payments:
        by_currency[row.currency].append(row)
    currencies = sorted(by_currency.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_total(currency, rows) for currency, rows in currencies]


def _total(currency: str, rows: list[Paid]) -> Total:
    came = sum(row.amount for row in rows)
    went_back = sum(row.went_back for row in rows)
    return Total(
        currency=currency.upper(),
        paid=Money(came, currency),
        tax=Money(sum(row.tax for row in rows), currency),
        refunded=Money(-sum(row.refunded for row in rows), currency),
        returned=Money(-sum(row.returned for row in rows), currency),
        held=Money(-sum(row.held for row in rows), currency),
        went_back=Money(-went_back, currency),
        net=Money(came - went_back, currency),
    )


def _document_row(row: Paid) -> list[str]:
    shown = row.shown
    return [
        _day(row.at),
        shown["description"],
        " · ".join(filter(None, (row.invoice_number, row.method))),
        shown["tax"],
        str(Money(-row.went_back, row.currency)) if row.went_back else "",
        shown["amount"],
    ]


def _day(moment: datetime) -> str:
    return days.short_with_year(timezone.localtime(moment))
