"""What the owner takes by Zelle, and how references look."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.bank import references
from billing.core import tax_texts
from billing.core.bank_statuses import (
    EXPECTED_GONE,
    EXPECTED_OPEN,
    AllocationState,
    ExpectedState,
    ZellePurpose,
)
from billing.facts import tax_settings
from billing.models import (
    BankTransfer,
    ExpectedTransfer,
    Invoice,
    PaymentRequest,
    Plan,
    Subscription,
    ZelleTerms,
)
from billing.models.zelle import ExpectedQuerySet
from common.money import Money
from common.reads import Param, Person

CURRENCY = "usd"
# What invoices that book a payment by Zelle may be for, by why Stripe made them. A membership that
# began by card meanwhile leaves its payment by Zelle to be booked singly.
BOOKED_AS = {
    "manual": [ZellePurpose.AMOUNT, ZellePurpose.REQUEST, ZellePurpose.MEMBERSHIP],
    "subscription_create": [ZellePurpose.MEMBERSHIP],
}


def terms() -> ZelleTerms:
    """Return the owner's terms; before any were saved, nothing is taken.

    They come without the QR code, which is large: `code_type` says whether there is one.
    """
    return ZelleTerms.objects.defer("code").first() or ZelleTerms(pk=1)


def takes(
    purpose: ZellePurpose,
    amount: int | None = None,
    currency: str = CURRENCY,
    *,
    known: ZelleTerms | None = None,
) -> bool:
    """Whether members may pay this by Zelle; any amount (cents) if it's None.

    Zelle moves only US dollars. `known` saves reading the terms.
    """
    known = known or terms()
    if currency.lower() != CURRENCY or not known.takes(purpose) or _adds_tax(purpose):
        return False
    if purpose == ZellePurpose.MEMBERSHIP and not price_ids():
        return False
    return amount is None or known.minimum <= amount <= known.maximum


def _adds_tax(purpose: ZellePurpose) -> bool:
    """Whether Stripe would add tax to it: only Stripe's page could say how much.

    A membership's tax depends on its price (`on_sale`), and an invoice has its tax already.
    """
    is_single = purpose in (ZellePurpose.AMOUNT, ZellePurpose.REQUEST)
    return is_single and tax_settings.adds_to_single()


def bounds(known: ZelleTerms | None = None) -> str:
    """Return the amounts that are taken by Zelle, in a sentence."""
    known = known or terms()
    least, most = Money(known.minimum, "usd"), Money(known.maximum, "usd")
    return _("You can pay from %(least)s to %(most)s by Zelle.") % {"least": least, "most": most}


def price_ids() -> list[str]:
    """Return the Stripe IDs of the membership's prices for those who pay by Zelle, in order."""
    wanted = [settings.ZELLE_PRICE_ID, settings.ZELLE_YEARLY_PRICE_ID]
    return list(dict.fromkeys(price_id for price_id in wanted if price_id))


def on_sale(
    plans: Iterable[Plan], tax_behavior: str, known: ZelleTerms | None = None
) -> list[Plan]:
    """Return those of the prices that members may pay by Zelle, in order.

    `tax_behavior`: from Stripe Tax's settings. Where tax comes on top, nobody could say how much
    to send.
    """
    known = known or terms()
    by_price = {row.stripe_id: row for row in plans}
    rows = [by_price[price_id] for price_id in price_ids() if price_id in by_price]
    return [
        row
        for row in rows
        if row.active
        and takes(ZellePurpose.MEMBERSHIP, row.amount, row.currency, known=known)
        and tax_settings.of_plan(row, tax_behavior) != tax_texts.ADDED
    ]


def shown(expected: ExpectedTransfer, known: ZelleTerms | None = None) -> str:
    """Return a payment's reference as people see it: `HY-7K3P-4`."""
    return references.shown((known or terms()).prefix.upper(), expected.reference)


def worth_mentioning(user: Person) -> ExpectedQuerySet:
    """Return a member's payments by Zelle that aren't over: awaited, or not booked yet.

    Each has `counted`: the cents that were received for it.
    """
    is_booked_later = Q(state=ExpectedState.CONFIRMED, booked_at=None)
    rows = ExpectedTransfer.objects.for_user(user).select_related("request")
    return _with_counted(rows.filter(Q(state__in=sorted(EXPECTED_OPEN)) | is_booked_later))


def of_invoice(user: Person, key: int | Param) -> ExpectedQuerySet:
    """Return the payment by Zelle that an invoice is or was paid with, with `counted`."""
    rows = ExpectedTransfer.objects.for_user(user).select_related("request").filter(invoice=key)
    return _with_counted(rows.exclude(state__in=sorted(EXPECTED_GONE)))


def _with_counted(rows: ExpectedQuerySet) -> ExpectedQuerySet:
    is_counted = Q(allocations__state=AllocationState.CONFIRMED)
    counted = Coalesce(Sum("allocations__amount", filter=is_counted), Value(0))
    return rows.annotate(counted=counted)


def money_is_here(expected: ExpectedTransfer) -> bool:
    """Whether a bank has told of money for it, or it's paid."""
    is_told = expected.state in (ExpectedState.ANNOUNCED, ExpectedState.CONFIRMED)
    return is_told or expected.allocations.exclude(state=AllocationState.UNDONE).exists()


def named_by_money(rows: Iterable[ExpectedTransfer], known: ZelleTerms) -> set[str]:
    """Return references that unmatched money names since: its amount is another one, perhaps."""
    oldest = min((row.created_at for row in rows), default=None)
    if oldest is None:
        return set()
    since = BankTransfer.objects.uncounted().filter(created_at__gte=oldest).exclude(memo="")
    memos = since.values_list("memo", flat=True)
    return {one for memo in memos for one in references.read(memo, known.prefix)}


def is_named_by_money(expected: ExpectedTransfer) -> bool:
    """Whether unmatched money names it, so that staff decide what becomes of it."""
    return expected.reference in named_by_money([expected], terms())


def pays_request(request: PaymentRequest) -> bool:
    """Whether a transfer has arrived for a request, so that it needn't be paid by card."""
    return _has_money(ExpectedTransfer.objects.filter(request=request))


def pays_membership(user: Person) -> bool:
    """Whether a transfer has arrived for a membership that hasn't begun yet."""
    rows = ExpectedTransfer.objects.for_user(user).filter(purpose=ZellePurpose.MEMBERSHIP)
    return _has_money(rows.filter(booked_at=None))


def _has_money(rows: ExpectedQuerySet) -> bool:
    is_paid = Q(state__in=[ExpectedState.ANNOUNCED, ExpectedState.CONFIRMED])
    has_part = Q(
        state=ExpectedState.WAITING,
        allocations__state__in=[AllocationState.PROPOSED, AllocationState.CONFIRMED],
    )
    return rows.filter(is_paid | has_part).exists()


def awaited_of(invoice: Invoice) -> ExpectedTransfer | None:
    """Return the payment by Zelle that's awaited for an invoice."""
    return ExpectedTransfer.objects.open().filter(invoice=invoice).first()


def books(invoice: Invoice) -> bool:
    """Whether an invoice is how a payment by Zelle was booked: it had its receipt already.

    Stripe's news of it may come before our own row says which invoice it is.
    """
    rows = ExpectedTransfer.objects.filter(state=ExpectedState.CONFIRMED)
    same = Q(user=invoice.customer.user_id, booked_at=None, invoice=None)
    same &= Q(amount=invoice.total, currency=invoice.currency)
    purposes = BOOKED_AS.get(invoice.billing_reason, [])
    # A membership that began by card has a first invoice of its own.
    is_charged = invoice.billing_reason == "subscription_create" and not invoice.is_sent
    same &= Q(purpose__in=[] if is_charged else purposes)
    return rows.filter(Q(invoice=invoice) | same).exists()


def receipt_cause(expected: ExpectedTransfer) -> str:
    """Return what the receipt of a confirmed payment is about."""
    at = expected.confirmed_at
    return f"zelle{expected.pk}" + (f":{at.isoformat()}" if at else "")


def beginning(subscription: Subscription) -> ExpectedTransfer | None:
    """Return the payment by Zelle that a membership begins with; None if there's none.

    Stripe's news of it may come before our own row says which subscription it is.
    """
    if not is_paid_by(subscription):
        return None
    paid = ExpectedTransfer.objects.filter(
        state=ExpectedState.CONFIRMED,
        purpose=ZellePurpose.MEMBERSHIP,
        user=subscription.customer.user_id,
    )
    same = Q(booked_at=None, subscription=None, price_id=subscription.price_id)
    rows = paid.filter(Q(subscription=subscription) | same)
    return rows.order_by("confirmed_at").last()


def is_of_zelle_member(invoice: Invoice) -> bool:
    """Whether it's sent for something that is paid by Zelle."""
    return invoice.is_sent and invoice.subscription is not None and is_paid_by(invoice.subscription)


def is_paid_by(subscription: Subscription) -> bool:
    """Whether a subscription is paid by Zelle; other invoices that are sent are paid otherwise."""
    return subscription.is_sent and subscription.is_by_zelle
