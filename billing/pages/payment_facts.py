"""The facts for pages about invoices and payments: one statement each, and one for names.

`payment_pages` puts them into words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

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
NEWEST = (datetime(9999, 1, 1, tzinfo=UTC), 2**63 - 1)


def _page_of(rows: MemberRecordQuerySet[Dated], mark: str) -> MemberRecordQuerySet[Dated]:
    """Return a page of a member's rows older than a mark, newest first, plus one more.

    A member may have several customers. An index has the newest of each in order, so the page is
    made of these. From all customers at once, PostgreSQL would sort all the member's rows.
    """
    at, pk = Param(f"{mark}_at", "timestamptz"), Param(f"{mark}_key", "bigint")
    older = Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk)
    newest = rows.filter(older, created_at__lte=at, customer=OuterRef("pk"))[: PAGE_SIZE + 1]
    keys = Func(
        ArraySubquery(newest.values("pk")), function="unnest", output_field=BigIntegerField()
    )
    page = rows.model.objects.filter(pk__in=Customer.objects.filter(user=ME).values(key=keys))
    return page[: PAGE_SIZE + 1]


def _invoices() -> MemberRecordQuerySet[Invoice]:
    # There are few subscriptions, and they're read separately.
    return _page_of(invoices_of(ME).select_related(None), "before")


# A member has few disputes, refunds, and switches, however many payments.
INVOICES = Part(_invoices)
SUBSCRIPTIONS = Part(lambda: Subscription.objects.for_user(ME))
OF_INVOICES = Part(lambda: Payment.objects.filter(invoice__in=_invoices().values("pk")))
SINGLE = Part(lambda: _page_of(Payment.objects.for_user(ME).filter(invoice=None), "other"))
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
YEARS = Part(lambda: statements.years(ME, Param("zone", "text")))
ZELLE_TERMS = Part(lambda: ZelleTerms.objects.defer("code")[:1])
BY_ZELLE = Part(lambda: zelle.worth_mentioning(ME))
LIST = Reading(
    *(INVOICES, SUBSCRIPTIONS, OF_INVOICES, SINGLE, DISPUTES, UNDER_WAY, POLICY, HELD, SWITCHES),
    *(ASKED, OFFERED, YEARS, ZELLE_TERMS, BY_ZELLE),
)

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
class PaymentsFacts:
    """A page of invoices and one of standalone payments, with their disputes.

    `paid_for`: an invoice's payments, by its key.
    `is_first`: neither is a later page. `years`: the years in which the member paid, newest first.
    """

    invoices: Sequence[Invoice]
    paid_for: Mapping[int, Sequence[Payment]]
    payments: Sequence[Payment]
    has_older: bool
    has_older_payments: bool
    is_first_of_invoices: bool
    is_first_of_payments: bool
    refunds: Sequence[Refund]
    judging: Judging
    names: ProductNames
    asked: Sequence[PaymentRequest]
    offered: Sequence[Item]
    years: Sequence[int]
    zelle_terms: ZelleTerms
    by_zelle: Sequence[ExpectedTransfer]

    @property
    def is_first(self) -> bool:
        """Whether it's the page that the navigation leads to."""
        return self.is_first_of_invoices and self.is_first_of_payments


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


def payments(user: User, before: str = "", other_before: str = "") -> PaymentsFacts:
    """Read a page of each, older than the rows with the keys `before` and `other_before`."""
    now = timezone.now()
    invoices_mark = _mark(lambda: invoices_of(user), before)
    payments_mark = _mark(lambda: Payment.objects.for_user(user).filter(invoice=None), other_before)
    results = LIST(
        user=user.pk,
        now=now,
        zone=timezone.get_current_timezone_name(),
        at_bank_since=now - queries.AT_THE_BANK_FOR,
        **dict(zip(("before_at", "before_key"), invoices_mark, strict=True)),
        **dict(zip(("other_at", "other_key"), payments_mark, strict=True)),
    )
    invoices, single, of_invoices = results[INVOICES], results[SINGLE], results[OF_INVOICES]
    subscriptions = {one.pk: one for one in results[SUBSCRIPTIONS]}
    for row in invoices:
        row.subscription = subscriptions.get(row.subscription_id or 0)
    paid_for = _join(invoices, of_invoices)
    refunds = [row for row in results[UNDER_WAY] if queries.is_under_way(row)]
    refunded = [row.payment.invoice for row in refunds if row.payment.invoice]
    return PaymentsFacts(
        invoices=invoices[:PAGE_SIZE],
        paid_for=paid_for,
        payments=single[:PAGE_SIZE],
        has_older=len(invoices) > PAGE_SIZE,
        has_older_payments=len(single) > PAGE_SIZE,
        is_first_of_invoices=not before,
        is_first_of_payments=not other_before,
        refunds=refunds,
        judging=judging_of(results, [*of_invoices, *single]),
        names=descriptions.product_names([*invoices, *refunded]),
        asked=results[ASKED],
        offered=results[OFFERED],
        years=sorted(results[YEARS], reverse=True),
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


def _mark(rows: Callable[[], MemberRecordQuerySet[Dated]], key: str) -> tuple[datetime, int]:
    """Return the row after which a page begins; without one, the first page."""
    row = rows().filter(pk=int(key[:18])).first() if key.isdecimal() else None
    return (row.created_at, row.pk) if row else NEWEST


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
