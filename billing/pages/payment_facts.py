"""The facts for pages about invoices and payments: one statement each, and one for names.

`payment_pages` puts them into words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar

from django.contrib.auth.models import User
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Count, Func, OuterRef, Q
from django.utils import timezone

from billing.facts import descriptions, statements, taxes, zelle
from billing.facts.descriptions import ProductNames
from billing.facts.taxes import TaxNames
from billing.models import (
    CreditNote,
    Customer,
    Dispute,
    ExpectedTransfer,
    Invoice,
    Item,
    Payment,
    PaymentRequest,
    Refund,
    RefundPolicy,
    Subscription,
    ZelleTerms,
)
from billing.models.copy import MemberRecordQuerySet
from billing.pages.payment_lines import PAGE_SIZE, invoices_of
from billing.refunds import queries, terms
from billing.refunds.policy import Facts, Policy
from billing.refunds.terms import Around
from common.reads import Param, Part, Reading, Results, attach

Dated = TypeVar("Dated", Invoice, Payment)

ME, KEY = Param("user", "bigint"), Param("key", "bigint")
NOW = Param("now", "timestamptz")
# Newer than everything: the start of the first page.
Mark: TypeAlias = tuple[datetime, int]
NEWEST: Mark = (datetime(9999, 1, 1, tzinfo=UTC), 2**63 - 1)
# How many entries a search looks at.
MOST = 1000


def _page_of(
    rows: MemberRecordQuerySet[Dated], mark: str, most: int
) -> MemberRecordQuerySet[Dated]:
    """Return a member's rows older than a mark, newest first: so many of each customer.

    A member may have several customers. An index has the newest of each in order, so the page is
    made of these. From all customers at once, PostgreSQL would sort all the member's rows.
    """
    at, pk = Param(f"{mark}_at", "timestamptz"), Param(f"{mark}_key", "bigint")
    older = Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk)
    newest = rows.filter(older, created_at__lte=at, customer=OuterRef("pk"))[:most]
    keys = Func(
        ArraySubquery(newest.values("pk")), function="unnest", output_field=BigIntegerField()
    )
    page = rows.model.objects.filter(pk__in=Customer.objects.filter(user=ME).values(key=keys))
    return page[:most]


@dataclass(frozen=True)
class _Lists:
    """The parts that read a member's list: invoices with their payments, and other payments."""

    invoices: Part[Invoice]
    of_invoices: Part[Payment]
    single: Part[Payment]


def _lists(most: int) -> _Lists:
    def invoices() -> MemberRecordQuerySet[Invoice]:
        # There are few subscriptions, and they're read separately.
        return _page_of(invoices_of(ME).select_related(None), "invoice", most)

    def single() -> MemberRecordQuerySet[Payment]:
        return _page_of(Payment.objects.for_user(ME).filter(invoice=None), "single", most)

    of_invoices = Part(lambda: Payment.objects.filter(invoice__in=invoices().values("pk")))
    return _Lists(Part(invoices), of_invoices, Part(single))


A_PAGE, ALL = _lists(PAGE_SIZE + 1), _lists(MOST + 1)
# A member has few disputes, refunds, and switches, however many payments.
SUBSCRIPTIONS = Part(lambda: Subscription.objects.for_user(ME))
DISPUTES = Part(lambda: Dispute.objects.filter(payment__customer__user=ME))
UNDER_WAY = Part(lambda: queries.in_progress(ME, Param("at_bank_since", "timestamptz")))
POLICY = Part(lambda: RefundPolicy.objects.all()[:1])
HELD = Part(lambda: terms.held_sums(Refund.objects.filter(payment__customer__user=ME)))
SWITCHES = Part(lambda: terms.switch_lines(Invoice.objects.for_user(ME)))
ASKED = Part(lambda: PaymentRequest.objects.for_user(ME).asked(NOW))
OFFERED = Part(
    lambda: Item.objects.for_user(ME).exclude(
        pk__in=PaymentRequest.objects.for_user(ME).settled().values("item")
    )
)
MONTHS = Part(lambda: statements.months(ME, Param("zone", "text")))
ZELLE_TERMS = Part(lambda: ZelleTerms.objects.defer("code")[:1])
BY_ZELLE = Part(lambda: zelle.worth_mentioning(ME))
BESIDES = (
    *(SUBSCRIPTIONS, DISPUTES, UNDER_WAY, POLICY, HELD, SWITCHES),
    *(ASKED, OFFERED, MONTHS, ZELLE_TERMS, BY_ZELLE),
)
PAGE_LIST = Reading(A_PAGE.invoices, A_PAGE.of_invoices, A_PAGE.single, *BESIDES)
WHOLE_LIST = Reading(ALL.invoices, ALL.of_invoices, ALL.single, *BESIDES)

INVOICE = Part(lambda: invoices_of(ME).filter(pk=KEY))
MINE = Q(invoice=KEY, invoice__customer__user=ME)
OF_INVOICE = Part(lambda: Payment.objects.filter(MINE))
PAYMENT = Part(
    lambda: Payment.objects.for_user(ME).filter(pk=KEY).select_related("invoice__subscription")
)
NOTES = Part(lambda: CreditNote.objects.filter(MINE))
REFUNDS = Part(lambda: queries.told(Refund.objects.filter(payment__customer__user=ME)))
AUTOMATIC = Part(
    lambda: (
        terms.automatic_since(Refund.objects.for_user(ME), Param("year_ago", "timestamptz"))
        .order_by()
        .values_list("customer__user")
        .annotate(Count("pk"))
    )
)
# What `judging_of` needs.
JUDGED_BY = (DISPUTES, POLICY, HELD, SWITCHES, AUTOMATIC)
OF_INVOICE_BY_ZELLE = Part(lambda: zelle.of_invoice(ME, KEY))
ONE_INVOICE = Reading(
    *(INVOICE, OF_INVOICE, NOTES, REFUNDS, ZELLE_TERMS, OF_INVOICE_BY_ZELLE), *JUDGED_BY
)
ONE_PAYMENT = Reading(PAYMENT, REFUNDS, *JUDGED_BY)


@dataclass(frozen=True)
class Judging:
    """What's needed to judge payments: the policy in force, and their facts by primary key."""

    policy: Policy
    facts: dict[int, Facts]


@dataclass(frozen=True)
class Month:
    """What a member paid in a month, and what of it was refunded, in minor units."""

    year: int
    month: int
    currency: str
    paid: int
    refunded: int


@dataclass(frozen=True)
class PaymentsFacts:
    """A page of a member's list, or all of it, with disputes.

    `entries`: invoices, and payments that belong to none, newest first. `paid_for`: an invoice's
    payments, by its key. `has_older`: there are more than these. `is_first`: it's the page that the
    navigation leads to. `months`: newest first.
    """

    entries: Sequence[Invoice | Payment]
    paid_for: Mapping[int, Sequence[Payment]]
    has_older: bool
    is_first: bool
    refunds: Sequence[Refund]
    judging: Judging
    names: ProductNames
    asked: Sequence[PaymentRequest]
    offered: Sequence[Item]
    months: Sequence[Month]
    zelle_terms: ZelleTerms
    by_zelle: Sequence[ExpectedTransfer]


@dataclass(frozen=True)
class InvoiceFacts:
    """An invoice with its payments and their refunds."""

    invoice: Invoice
    payments: Sequence[Payment]
    notes: Sequence[CreditNote]
    refunds: Sequence[Refund]
    judging: Judging
    names: ProductNames
    taxes: TaxNames
    zelle_terms: ZelleTerms
    by_zelle: ExpectedTransfer | None


@dataclass(frozen=True)
class SinglePaymentFacts:
    """A payment and its refunds."""

    payment: Payment
    refunds: Sequence[Refund]
    judging: Judging


def payments(user: User, before: str = "", *, everything: bool = False) -> PaymentsFacts:
    """Read a page of the list: what's older than the entry that `before` names (`mark_of`).

    With `everything`, read the newest `MOST` entries instead.
    """
    now = timezone.now()
    lists, most = (ALL, MOST) if everything else (A_PAGE, PAGE_SIZE)
    invoice_mark, single_mark = _marks(user, "" if everything else before)
    results = (WHOLE_LIST if everything else PAGE_LIST)(
        user=user.pk,
        now=now,
        zone=timezone.get_current_timezone_name(),
        at_bank_since=now - queries.AT_THE_BANK_FOR,
        **dict(zip(("invoice_at", "invoice_key"), invoice_mark, strict=True)),
        **dict(zip(("single_at", "single_key"), single_mark, strict=True)),
    )
    invoices, single = results[lists.invoices], results[lists.single]
    of_invoices = results[lists.of_invoices]
    subscriptions = {one.pk: one for one in results[SUBSCRIPTIONS]}
    for row in invoices:
        row.subscription = subscriptions.get(row.subscription_id or 0)
    paid_for = _join(invoices, of_invoices)
    listed: list[Invoice | Payment] = [*invoices, *single]
    found = sorted(listed, key=_newest_first)
    refunds = [row for row in results[UNDER_WAY] if queries.is_under_way(row)]
    refunded = [row.payment.invoice for row in refunds if row.payment.invoice]
    return PaymentsFacts(
        entries=found[:most],
        paid_for=paid_for,
        has_older=len(found) > most,
        is_first=invoice_mark == single_mark == NEWEST,
        refunds=refunds,
        judging=judging_of(results, [*of_invoices, *single]),
        names=descriptions.product_names([*invoices, *refunded]),
        asked=results[ASKED],
        offered=results[OFFERED],
        months=[Month(*row) for row in results[MONTHS]],
        zelle_terms=results.first(ZELLE_TERMS) or ZelleTerms(pk=1),
        by_zelle=results[BY_ZELLE],
    )


def invoice(user: User, pk: int) -> InvoiceFacts | None:
    """Read one of a member's own invoices that isn't a draft, or None."""
    results = ONE_INVOICE(user=user.pk, key=pk, year_ago=timezone.now() - terms.YEAR)
    row = results.first(INVOICE)
    if row is None:
        return None
    rows = results[OF_INVOICE]
    _join([row], rows)
    return InvoiceFacts(
        invoice=row,
        payments=rows,
        notes=results[NOTES],
        refunds=_of(results[REFUNDS], rows),
        judging=judging_of(results, rows, user),
        names=descriptions.product_names([row]),
        taxes=taxes.names_of(row),
        zelle_terms=results.first(ZELLE_TERMS) or ZelleTerms(pk=1),
        by_zelle=results.first(OF_INVOICE_BY_ZELLE),
    )


def payment(user: User, pk: int) -> SinglePaymentFacts | None:
    """Read one of a member's own payments, or None."""
    results = ONE_PAYMENT(user=user.pk, key=pk, year_ago=timezone.now() - terms.YEAR)
    row = results.first(PAYMENT)
    if row is None:
        return None
    refunds = _of(results[REFUNDS], [row])
    return SinglePaymentFacts(row, refunds, judging_of(results, [row], user))


def mark_of(row: Invoice | Payment) -> str:
    """Return how an address names an entry of the list: "i12" or "p7"."""
    return f"{'i' if isinstance(row, Invoice) else 'p'}{row.pk}"


def _newest_first(row: Invoice | Payment) -> tuple[float, bool, int]:
    """Sort entries; of the same moment, invoices come first."""
    return -row.created_at.timestamp(), isinstance(row, Payment), -row.pk


def _marks(user: User, before: str) -> tuple[Mark, Mark]:
    """Return after which invoice and which other payment a page begins."""
    kind, key = before[:1], before[1:19]
    if not key.isdecimal():
        return NEWEST, NEWEST
    if kind == "i" and (row := invoices_of(user).filter(pk=int(key)).first()):
        return (row.created_at, row.pk), (row.created_at, NEWEST[1])
    single = Payment.objects.for_user(user).filter(invoice=None)
    if kind == "p" and (one := single.filter(pk=int(key)).first()):
        return (one.created_at, 0), (one.created_at, one.pk)
    return NEWEST, NEWEST


def _join(invoices: Sequence[Invoice], rows: Sequence[Payment]) -> dict[int, list[Payment]]:
    """Connect payments with their invoices; return an invoice's payments by its key."""
    by_key = {one.pk: one for one in invoices}
    by_invoice: dict[int, list[Payment]] = {one.pk: [] for one in invoices}
    for row in rows:
        row.invoice = by_key.get(row.invoice_id or 0)
        by_invoice[row.invoice_id or 0].append(row)
    return by_invoice


def _of(refunds: Sequence[Refund], rows: Sequence[Payment]) -> list[Refund]:
    keys = {row.pk for row in rows}
    return [one for one in refunds if one.payment_id in keys]


def judging_of(results: Results, rows: Collection[Payment], user: User | None = None) -> Judging:
    """Give payments their disputes, and return what they're judged by.

    Only with a `user` is it known what's approved automatically.
    """
    attach(rows, "disputes", results[DISPUTES], "payment_id")
    counts = dict(results[AUTOMATIC]) if user else {}
    automatic = {row.customer_id: counts.get(user.pk, 0) for row in rows} if user else {}
    around = Around(results[SWITCHES], results[HELD], automatic)
    return Judging(terms.rules_of(results.first(POLICY)), terms.facts_from(rows, around))
