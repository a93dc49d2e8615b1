"""Reads for the member's pages: everything starts from the member and ends in plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from billing import (
    cards,
    credit,
    descriptions,
    discounts,
    pay_links,
    plans,
    refund_queries,
    wording,
)
from billing.dates import long_date
from billing.models import (
    Checkout,
    CreditNote,
    Dispute,
    Invoice,
    Item,
    MembershipDecision,
    Payment,
    PaymentRequest,
    Refund,
    Subscription,
)
from billing.models.copy import MemberRecordQuerySet
from billing.money import Money
from billing.page_values import Attention, Tone
from billing.refund_queries import Offer, RefundLine
from billing.reminders import card_expires_soon
from billing.states import (
    ENDED_SUBSCRIPTION,
    LIVE_SUBSCRIPTION,
    OPEN_DISPUTE,
    UNFINISHED_CHECKOUT,
    CheckoutState,
    Collection,
    CreditNoteStatus,
    DisputeStatus,
    InvoiceStatus,
    MembershipAction,
    PaymentStatus,
    Purpose,
    RequestState,
    SubscriptionStatus,
)
from billing.subscriptions import pending_decision
from members.models import Member

Dated = TypeVar("Dated", Invoice, Payment)

PAGE_SIZE = 12
# How many refunds the home page shows of those that are under way.
FEW = 3
CONFIRMING_FOR = timedelta(hours=1)
PENDING_SENTENCES = {
    MembershipAction.CANCEL: "Your cancellation is being confirmed.",
    MembershipAction.RESUME: "We are putting your membership back.",
    MembershipAction.CANCEL_NOW: "Your membership is being ended.",
    MembershipAction.SWITCH: "Your new way of paying is being confirmed.",
    MembershipAction.STAY: "Your discount is being confirmed.",
}


class Standing(StrEnum):
    """A member's standing, in words of ours rather than Stripe's."""

    NONE = "none"
    CONFIRMING = "confirming"
    TRIAL = "trial"
    ACTIVE = "active"
    ENDING = "ending"
    PAYMENT_DUE = "payment_due"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True)
class Membership:
    """The state of the membership. `card` reads "Visa ending in 4242"."""

    standing: Standing
    tone: Tone
    label: str  # the badge: "Active", "Payment failed"
    sentence: str  # one sentence: "Your next charge of $29.00 is on Friday, 4 December."
    plan_name: str = ""
    price: Money | None = None
    interval: str = ""
    next_charge: Money | None = None
    next_charge_at: datetime | None = None
    ends_at: datetime | None = None
    trial_end: datetime | None = None
    member_since: datetime | None = None
    card: str = ""
    card_expires: str = ""  # "12/2030"
    card_expires_soon: bool = False
    period_end: datetime | None = None  # until when it is paid for, or free
    pending: str = ""  # what waits for Stripe, in a sentence
    discounts: list[discounts.Discount] = field(default_factory=list)
    waiting: Money | None = None  # what a bank is sending, which takes days
    credit: Money | None = None  # what is on the balance, all of it
    row: Subscription | None = None  # the live one, for further reads; pages do not show it

    @property
    def can_cancel(self) -> bool:
        """Whether the member may cancel now."""
        return self.is_member and self.ends_at is None and not self.pending

    @property
    def can_resume(self) -> bool:
        """Whether the member may take the end back now."""
        return self.is_member and self.ends_at is not None and not self.pending

    @property
    def is_member(self) -> bool:
        """Whether the member has the membership now."""
        return self.standing not in {Standing.NONE, Standing.CONFIRMING, Standing.ENDED}


@dataclass(frozen=True)
class Home:
    """What the home page answers: am I a member, what is next, must I do anything?"""

    membership: Membership
    offer: plans.PlanOffer | None
    attention: list[Attention]
    refunds: list[RefundLine]  # the newest under way for which the member need do nothing
    has_more_refunds: bool
    last_payment: PaymentLine | None


@dataclass(frozen=True)
class InvoiceLine:
    """One row of the list of invoices, and the head of its page."""

    url: str
    number: str
    date: datetime
    total: Money
    tone: Tone
    label: str  # "Paid", "Payment failed", "Open", "Void"
    description: str
    credited: Money | None = None  # what credit notes took off, before payment and after it
    from_credit: Money | None = None  # what earlier credit paid
    refunded: Money | None = None  # what went back, where no credit note says it already
    refundable: str = ""  # "Refundable until 4 Dec"


@dataclass(frozen=True)
class PaymentLine:
    """One payment: "$29.00, Visa ending in 4242, 4 November"."""

    date: datetime
    amount: Money
    refunded: Money | None
    tone: Tone
    label: str
    method: str
    description: str
    url: str = ""
    problem: str = ""  # why it failed, or what it waits for, in plain words
    disputes: tuple[Attention, ...] = ()  # what became of it at the bank
    refundable: str = ""  # "Refundable until 4 Dec", in a list
    offer: Offer | None = None  # what may be refunded of it, in full
    refunds: list[RefundLine] = field(default_factory=list)


@dataclass(frozen=True)
class Payable:
    """Something to pay, once: a request with its page, or an item with its button's address."""

    description: str
    price: Money
    url: str
    action: str
    until: datetime | None = None


class Outcome(StrEnum):
    """How a single payment stands."""

    CONFIRMING = "confirming"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"


@dataclass(frozen=True)
class PaymentResult:
    """What the page says after Checkout. `url` is the payment's page, or where to try again."""

    outcome: Outcome
    amount: Money
    description: str
    url: str = ""

    @property
    def is_final(self) -> bool:
        """Whether asking again would bring nothing new soon."""
        return self.outcome != Outcome.CONFIRMING


@dataclass(frozen=True)
class InvoiceItem:
    """A line of an invoice."""

    description: str
    quantity: int
    amount: Money
    period_start: datetime | None
    period_end: datetime | None

    @property
    def crosses_years(self) -> bool:
        """Whether the period begins in another year than it ends, where the reader is."""
        if self.period_start is None or self.period_end is None:
            return False
        start, end = timezone.localtime(self.period_start), timezone.localtime(self.period_end)
        return start.year != end.year


@dataclass(frozen=True)
class CreditNoteLine:
    """A credit note of an invoice: what became of its amount, and its document."""

    number: str
    date: datetime
    amount: Money
    tone: Tone
    label: str  # "Issued", "Void"
    why: str  # "because it was charged twice"
    sentences: list[str]
    pdf_url: str


@dataclass(frozen=True)
class InvoicePage:
    """An invoice in full. `pay_url`, `pdf_url` and `hosted_url` are addresses of ours.

    `credits` are pairs of words and what stands between the total and what is due. `note` says
    what a state means that asks for no money.
    """

    head: InvoiceLine
    items: list[InvoiceItem]
    subtotal: Money
    discount: Money | None
    discount_label: str  # "Discount (code WELCOME50)"
    tax: Money | None
    total: Money
    credits: list[tuple[str, Money]]
    due: Money | None  # where it differs from the total
    paid: Money
    remaining: Money
    note: str
    credit_notes: list[CreditNoteLine]
    payments: list[PaymentLine]
    hosted_url: str
    pdf_url: str
    pay_url: str  # empty where there is nothing to pay


@dataclass(frozen=True)
class PaymentsPage:
    """A page of invoices, and one of the payments that belong to none.

    `older` and `older_payments` are the addresses of their next pages.
    """

    refunds: list[RefundLine]
    invoices: list[InvoiceLine]
    payments: list[PaymentLine]
    older: str
    older_payments: str
    is_first: bool
    is_first_of_payments: bool


def home(member: Member) -> Home:
    """Answer the home page's three questions."""
    current = membership(member)
    refunds, last = refund_queries.news(member.user), _last_payment(member.user)
    shown = refunds.under_way[:FEW]
    paid = [*(row.payment for row in shown), *([last] if last else [])]
    names = descriptions.plan_names([row.invoice for row in paid if row.invoice])
    return Home(
        membership=current,
        offer=None if current.is_member else plans.offer_to(member.user),
        attention=attention(member, current, refunds.attention),
        refunds=_refund_lines(shown, names),
        has_more_refunds=len(refunds.under_way) > len(shown),
        last_payment=_payment_line(last, descriptions.of_payment(last, names)) if last else None,
    )


def membership(member: Member) -> Membership:
    """Return the state of the membership in the member's words."""
    found = _latest_subscription(member.user)
    if found and found.is_live:
        return _live_membership(found, pending_decision(member.user))
    if _is_confirming(member.user):
        return Membership(
            Standing.CONFIRMING,
            Tone.WAIT,
            "Confirming",
            "Your payment is being confirmed. This takes a few seconds.",
        )
    if found and found.status == SubscriptionStatus.INCOMPLETE:
        return _unfinished_membership(found)
    if found and found.status in ENDED_SUBSCRIPTION:
        return _ended_membership(found)
    return Membership(
        Standing.NONE, Tone.INFO, "Not a member", "You do not have the membership yet."
    )


def invoices_of(user: User) -> MemberRecordQuerySet[Invoice]:
    """Return the invoices that a member may see: their own that are no drafts."""
    return (
        Invoice.objects.for_user(user)
        .exclude(status=InvoiceStatus.DRAFT)
        .select_related("subscription")
    )


def payments_page(member: Member, before: str = "", other_before: str = "") -> PaymentsPage:
    """Return one page of invoices and one of other payments.

    Each holds what is older than the row whose primary key is `before` or `other_before`.
    """
    address = reverse("billing:payments")
    invoices, last = _page_of(invoices_of(member.user).prefetch_related("payments"), before)
    single = Payment.objects.for_user(member.user).filter(invoice=None)
    single = single.prefetch_related("disputes")
    others, last_other = _page_of(single, other_before)
    refunds = refund_queries.in_progress(member.user)
    refunded = [row.payment.invoice for row in refunds if row.payment.invoice]
    names = descriptions.plan_names([*invoices, *refunded])
    paid = [payment for row in invoices for payment in row.payments.all()]
    briefs = refund_queries.briefs([*paid, *others], refunds)
    is_first = not before and not other_before
    return PaymentsPage(
        refunds=_refund_lines(refunds, names) if is_first else [],
        invoices=[_invoice_line(row, names, briefs) for row in invoices],
        payments=[
            replace(
                _payment_line(row, descriptions.of_single(row)),
                refundable=briefs.get(row.pk, ""),
            )
            for row in others
        ],
        older=f"{address}?before={last}" if last else "",
        older_payments=f"{address}?other_before={last_other}" if last_other else "",
        is_first=not before,
        is_first_of_payments=not other_before,
    )


def _page_of(rows: MemberRecordQuerySet[Dated], before: str) -> tuple[Sequence[Dated], int | None]:
    """Return a page of rows, newest first, and the key of its last row if there are older ones."""
    mark = rows.filter(pk=int(before[:18])).first() if before.isdecimal() else None
    if mark:
        at = mark.created_at
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=mark.pk))
    found = list(rows[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return shown, shown[-1].pk if len(found) > PAGE_SIZE else None


def invoice_page(invoice: Invoice) -> InvoicePage:
    """Return an invoice in full."""
    head = _invoice_line(invoice, descriptions.plan_names([invoice]))
    may_pay = (
        invoice.status == InvoiceStatus.OPEN
        and invoice.amount_remaining > 0
        and invoice.collection != Collection.PROCESSING
    )
    hosted = reverse("billing:invoice-hosted", args=[invoice.pk])
    rows = list(invoice.payments.prefetch_related("disputes"))
    return InvoicePage(
        head=head,
        items=[_invoice_item(line, invoice.currency) for line in invoice.lines],
        subtotal=Money(invoice.subtotal, invoice.currency),
        discount=Money(-invoice.discount, invoice.currency) if invoice.discount else None,
        discount_label=wording.discount(invoice.promotion_codes),
        tax=Money(invoice.tax, invoice.currency) if invoice.tax else None,
        total=Money(invoice.total, invoice.currency),
        credits=[
            (words, Money(amount, invoice.currency))
            for words, amount in wording.invoice_credits(invoice)
        ],
        due=Money(invoice.amount_due, invoice.currency)
        if invoice.amount_due != invoice.total
        else None,
        paid=Money(invoice.amount_paid, invoice.currency),
        remaining=Money(invoice.amount_remaining, invoice.currency),
        note=_invoice_note(invoice),
        credit_notes=[_credit_note_line(row) for row in invoice.credit_notes.all()],
        payments=_with_refunds(rows, dict.fromkeys([row.pk for row in rows], head.description)),
        hosted_url=hosted if invoice.hosted_url else "",
        pdf_url=reverse("billing:invoice-pdf", args=[invoice.pk]) if invoice.pdf_url else "",
        pay_url=hosted if may_pay else "",
    )


def _invoice_note(invoice: Invoice) -> str:
    """Return what a state means that asks for no money."""
    match invoice.status:
        case InvoiceStatus.VOID:
            return wording.VOID
        case InvoiceStatus.UNCOLLECTIBLE:
            return wording.GIVEN_UP
        case InvoiceStatus.OPEN if invoice.collection == Collection.PROCESSING:
            return wording.PROCESSING
        case InvoiceStatus.OPEN if invoice.collection == Collection.REQUIRES_ACTION:
            return wording.TO_CONFIRM
    return ""


def _credit_note_line(row: CreditNote) -> CreditNoteLine:
    is_void = row.status == CreditNoteStatus.VOID
    why = wording.CREDIT_REASONS.get(row.reason, "")
    return CreditNoteLine(
        number=row.number,
        date=row.created_at,
        amount=Money(-row.amount, row.currency),
        tone=Tone.INFO if is_void else Tone.GOOD,
        label="Void" if is_void else "Issued",
        why=f"because it was {why}" if why else "",
        sentences=["It was taken back and counts for nothing."]
        if is_void
        else wording.credit_note(row),
        pdf_url=reverse("billing:credit-note-pdf", args=[row.pk]) if row.pdf_url else "",
    )


def payment_page(payment: Payment) -> PaymentLine:
    """Return a payment without an invoice in full."""
    return _with_refunds([payment], {payment.pk: descriptions.of_single(payment)})[0]


def _with_refunds(rows: Sequence[Payment], described: dict[int, str]) -> list[PaymentLine]:
    """Return a member's payments with what may be refunded of them, and what was."""
    refunds = refund_queries.of_payments(rows)
    offers = refund_queries.offers_beside(rows, refunds)
    return [
        replace(
            _payment_line(row, described[row.pk]),
            offer=offers.get(row.pk),
            refunds=[refund_queries.line_of(one) for one in refunds if one.payment_id == row.pk],
        )
        for row in rows
    ]


def payables(user: User) -> list[Payable]:
    """Return what the member was asked to pay and what is on sale to them, requests first."""
    requests = PaymentRequest.objects.for_user(user)
    taken = requests.exclude(state=RequestState.CANCELED).exclude(item=None)
    not_yet = taken.filter(state=RequestState.OPEN, sent_at=None).not_being_paid()
    settled = taken.exclude(pk__in=not_yet.values("pk"))
    asked = [
        Payable(row.description, row.price, pay_links.path_of(row), "", row.expires_at)
        for row in _asked(user)
    ]
    offered = [
        Payable(row.name, row.price, "", reverse("billing:pay-item", args=[row.pk]))
        for row in Item.objects.for_user(user).exclude(pk__in=settled.values("item"))
    ]
    return asked + offered


def result_of(checkout: Checkout) -> PaymentResult:
    """Return how a single payment stands whose member is back from Checkout."""
    payment = checkout.payment
    price = Money(checkout.amount or 0, checkout.currency)
    if checkout.state == CheckoutState.COMPLETE and payment:
        line = payment_page(payment)
        return PaymentResult(Outcome.PAID, price, checkout.description, line.url)
    if checkout.state == CheckoutState.PROCESSING:
        return PaymentResult(Outcome.PROCESSING, price, checkout.description)
    if checkout.state == CheckoutState.FAILED:
        again = pay_links.path_of(checkout.request) if checkout.request else ""
        again = again or reverse("billing:pay-amount")
        return PaymentResult(Outcome.FAILED, price, checkout.description, again)
    return PaymentResult(Outcome.CONFIRMING, price, checkout.description)


def _latest_subscription(user: User) -> Subscription | None:
    """Return the live subscription, else the one that ended last."""
    rows = list(Subscription.objects.for_user(user)[:10])
    live = [row for row in rows if row.status in LIVE_SUBSCRIPTION]
    return next(iter(live or rows), None)


def _is_confirming(user: User) -> bool:
    rows = Checkout.objects.for_user(user).filter(
        purpose=Purpose.MEMBERSHIP,
        state__in=UNFINISHED_CHECKOUT,
        returned_at__gt=timezone.now() - CONFIRMING_FOR,
    )
    return rows.exists()


def _live_membership(row: Subscription, decision: MembershipDecision | None) -> Membership:
    standing, tone, label = _standing(row)
    sentence = ""
    if standing == Standing.PAYMENT_DUE:
        tone, label, sentence = _payment_due(row)
    waiting = _waiting_for_bank(row) if standing == Standing.ACTIVE else None
    price = Money(row.amount, row.currency)
    goes_on = standing in (Standing.ACTIVE, Standing.TRIAL)
    next_charge = discounts.next_charge(row)
    return Membership(
        standing=standing,
        tone=tone,
        label=label,
        sentence=sentence or _waiting_sentence(waiting) + _sentence(standing, row, next_charge),
        plan_name=descriptions.plan_names_by_price([row.price_id]).get(row.price_id, "Membership"),
        price=price,
        interval=wording.interval(row.interval, row.interval_count),
        next_charge=next_charge if goes_on else None,
        next_charge_at=row.current_period_end if goes_on else None,
        ends_at=row.ends_at,
        trial_end=row.trial_end if standing == Standing.TRIAL else None,
        member_since=row.started_at,
        card=wording.card(row.card_brand, row.card_last4),
        card_expires=wording.card_expiry(row.card_expires),
        card_expires_soon=card_expires_soon(row, timezone.now()),
        period_end=row.current_period_end,
        pending=PENDING_SENTENCES[MembershipAction(decision.action)] if decision else "",
        discounts=discounts.in_words(row),
        waiting=waiting,
        credit=credit.of(row),
        row=row,
    )


def _waiting_for_bank(row: Subscription) -> Money | None:
    """Return what a bank is sending for a membership that goes on meanwhile."""
    found = row.invoices.filter(collection=Collection.PROCESSING).first()
    return Money(found.amount_remaining, found.currency) if found else None


def _waiting_sentence(waiting: Money | None) -> str:
    return f"Your bank is sending {waiting}, which can take some days. " if waiting else ""


def _unfinished_membership(row: Subscription) -> Membership:
    """Return a membership that has not begun: its first payment is not through."""
    invoice = row.invoices.exclude(collection=Collection.NONE).first()
    waiting = _waiting_for_bank(row)
    standing, tone, label = Standing.NONE, Tone.WAIT, "Not begun"
    sentence = "Your membership begins with its first payment."
    match invoice.collection if invoice else Collection.NONE:
        case Collection.PROCESSING:
            standing, label = Standing.CONFIRMING, "Payment on its way"
            sentence = f"{_waiting_sentence(waiting)}Your membership begins once it is here."
        case Collection.REQUIRES_ACTION:
            label = "Needs your confirmation"
            sentence = "Your membership begins once you confirm your first payment."
        case Collection.FAILED:
            tone, label = Tone.BAD, "Payment failed"
            sentence = "Your first payment did not go through: your membership has not begun."
    return Membership(standing, tone, label, sentence, waiting=waiting)


def _standing(row: Subscription) -> tuple[Standing, Tone, str]:
    if row.status in (SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID):
        return Standing.PAYMENT_DUE, Tone.BAD, "Payment failed"
    if row.status == SubscriptionStatus.PAUSED:
        return Standing.PAUSED, Tone.WAIT, "Paused"
    if row.ends_at:
        return Standing.ENDING, Tone.WAIT, "Ending"
    if row.status == SubscriptionStatus.TRIALING:
        return Standing.TRIAL, Tone.GOOD, "Free trial"
    return Standing.ACTIVE, Tone.GOOD, "Active"


def _payment_due(row: Subscription) -> tuple[Tone, str, str]:
    """Tell a payment that failed from one that waits for the bank, or for the member."""
    found = row.invoices.exclude(collection=Collection.NONE).first()
    match found.collection if found else Collection.FAILED:
        case Collection.PROCESSING:
            return (
                Tone.WAIT,
                "Payment on its way",
                "Your last payment is on its way. You are still a member.",
            )
        case Collection.REQUIRES_ACTION:
            return (
                Tone.WAIT,
                "Needs your confirmation",
                "Your bank asks you to confirm your last payment. You are still a member for now.",
            )
    return Tone.BAD, "Payment failed", ""


def _sentence(standing: Standing, row: Subscription, charge: Money | None) -> str:
    balance = credit.in_next_charge(row)
    match standing:
        case Standing.PAYMENT_DUE:
            return "Your last payment did not go through. You are still a member for now."
        case Standing.PAUSED:
            return "Your membership is paused. Nothing will be charged."
        case Standing.ENDING:
            end = row.ends_at
            return f"Your membership ends on {long_date(end)}." if end else "It is ending."
        case Standing.TRIAL:
            then = f"{charge} will be charged" if charge else "your membership goes on"
            until = long_date(row.current_period_end)
            return f"Your trial is free until {until}. Then {then}. {balance}".strip()
        case _:
            next_charge = _next_charge_sentence(charge, long_date(row.current_period_end))
            return f"{next_charge} {balance}".strip()


def _next_charge_sentence(charge: Money | None, day: str) -> str:
    if charge is None:
        return f"Your next charge is on {day}."
    if not charge:
        return f"Your membership goes on, and nothing is charged on {day}."
    return f"Your next charge of {charge} is on {day}."


def _ended_membership(row: Subscription) -> Membership:
    ended = row.ended_at or row.current_period_end
    if row.status == SubscriptionStatus.INCOMPLETE_EXPIRED:
        sentence = "Your membership has not begun: its first payment was not made in time."
        return Membership(Standing.NONE, Tone.INFO, "Not a member", sentence)
    return Membership(
        standing=Standing.ENDED,
        tone=Tone.INFO,
        label="Ended",
        sentence=f"Your membership ended on {long_date(ended)}.",
        plan_name=descriptions.plan_names_by_price([row.price_id]).get(row.price_id, "Membership"),
        price=Money(row.amount, row.currency),
        interval=wording.interval(row.interval, row.interval_count),
        ends_at=ended,
        member_since=row.started_at,
        credit=credit.of(row),
    )


def attention(
    member: Member, current: Membership, about_refunds: Sequence[Attention]
) -> list[Attention]:
    """Return what the member must do or know, the most urgent first."""
    asked = [_request_attention(row) for row in _asked(member.user)]
    return [
        *_membership_attention(member, current),
        *about_refunds,
        *_banks_at_work(member.user),
        *asked,
    ]


def _banks_at_work(user: User) -> list[Attention]:
    """Return the single payments that a bank is sending."""
    rows = Payment.objects.for_user(user).filter(invoice=None, status=PaymentStatus.PROCESSING)
    return [
        Attention(
            Tone.WAIT,
            f"Your payment of {Money(row.amount, row.currency)} is on its way",
            f"For: {descriptions.of_single(row)}. {wording.PROCESSING}",
        )
        for row in rows[:PAGE_SIZE]
    ]


def _asked(user: User) -> models.QuerySet[PaymentRequest]:
    """Return the requests that staff sent the member and that can still be paid."""
    rows = PaymentRequest.objects.for_user(user).payable().not_being_paid()
    return rows.filter(sent_at__isnull=False)


def _request_attention(request: PaymentRequest) -> Attention:
    until = f" You can pay until {long_date(request.expires_at)}." if request.expires_at else ""
    return Attention(
        Tone.WAIT,
        f"Please pay {request.price}",
        f"For: {request.description}.{until}",
        f"Pay {request.price}",
        pay_links.path_of(request),
    )


def _membership_attention(member: Member, current: Membership) -> list[Attention]:
    if current.standing == Standing.ENDED:
        return []
    rows = invoices_of(member.user)
    if not current.is_member:
        rows = rows.filter(subscription__status=SubscriptionStatus.INCOMPLETE)
    unpaid = (
        rows.filter(amount_remaining__gt=0)
        .exclude(collection=Collection.NONE)
        # What an earlier membership left behind does not decide about this one.
        .exclude(subscription__status__in=ENDED_SUBSCRIPTION)
        .prefetch_related("payments")
        .first()
    )
    if unpaid:
        return [_unpaid_attention(unpaid)]
    if current.standing == Standing.PAYMENT_DUE:
        return [
            _card_attention(
                Tone.BAD,
                "Your last payment did not go through",
                "Please check the card that we charge.",
            )
        ]
    if other := _other_card_attention(current):
        return [other]
    if current.card_expires_soon and not current.ends_at:
        return [
            _card_attention(
                Tone.WAIT,
                f"Your {current.card} expires soon",
                f"It can be charged until the end of {current.card_expires}. "
                "Add the new one, so that your next payment goes through.",
            )
        ]
    return []


def _other_card_attention(current: Membership) -> Attention | None:
    """Ask whether the card that paid the last invoice shall pay the next ones too."""
    paid = cards.other_card(current.row) if current.row else None
    if paid is None:
        return None
    card = wording.card(paid.card_brand, paid.card_last4)
    others = f"your {current.card}" if current.card else "another card"
    return Attention(
        Tone.WAIT,
        f"Use {card} for the next charges too?",
        f"You paid your last invoice with it. Your next payment is still charged to {others}.",
        f"Use {card}",
        reverse("billing:use-card", args=[paid.pk]),
        "post",
    )


def _card_attention(tone: Tone, title: str, text: str) -> Attention:
    return Attention(tone, title, text, "Update your card", reverse("billing:manage-card"), "post")


def _unpaid_attention(invoice: Invoice) -> Attention:
    amount = Money(invoice.amount_remaining, invoice.currency)
    hosted = reverse("billing:invoice-hosted", args=[invoice.pk])
    match invoice.collection:
        case Collection.PROCESSING:
            return Attention(
                Tone.WAIT, f"Your payment of {amount} is on its way", wording.PROCESSING
            )
        case Collection.REQUIRES_ACTION:
            title = f"Please confirm your payment of {amount}"
            return Attention(Tone.WAIT, title, wording.TO_CONFIRM, f"Confirm {amount}", hosted)
    return _failed_attention(invoice, amount, hosted)


def _failed_attention(invoice: Invoice, amount: Money, hosted: str) -> Attention:
    payments = list(invoice.payments.all())
    last = payments[0] if payments else None
    reason = wording.failure(last.failure_code, last.card_brand) if last else wording.failure("")
    again = invoice.next_payment_attempt_at
    if invoice.subscription and invoice.subscription.status == SubscriptionStatus.INCOMPLETE:
        outlook = "Your membership begins once it is paid."
    elif again:
        outlook = f"We will try again on {long_date(again)}."
    elif invoice.subscription_id:
        outlook = "This was the last try: pay now to keep your membership."
    else:
        outlook = "You can pay it now, with this card or another."
    title = f"Your payment of {amount} did not go through"
    return Attention(Tone.BAD, title, f"{reason} {outlook}", f"Pay {amount}", hosted)


def left_open(user: User) -> list[Attention]:
    """Return what earlier memberships left unpaid: Stripe keeps it open, and asks no more.

    It has nothing to do with becoming a member again, and says so.
    """
    rows = invoices_of(user).filter(
        status=InvoiceStatus.OPEN,
        amount_remaining__gt=0,
        subscription__status__in=ENDED_SUBSCRIPTION,
    )
    return [_left_open(row) for row in rows[:PAGE_SIZE]]


def _left_open(row: Invoice) -> Attention:
    amount = Money(row.amount_remaining, row.currency)
    day = long_date(row.finalized_at or row.created_at)
    return Attention(
        Tone.INFO,
        f"{amount} from your earlier membership is still open",
        f"It is the invoice of {day}. Nothing is charged by itself any more; you can pay it "
        "whenever you like. It is a matter of its own: a new membership neither needs nor pays it.",
        f"Pay {amount}",
        reverse("billing:invoice-hosted", args=[row.pk]),
    )


def changed_price(current: Membership, offer: plans.PlanOffer | None) -> str:
    """Return what has changed in the price since an ended membership, in a sentence, or ""."""
    if current.standing != Standing.ENDED or offer is None or current.price is None:
        return ""
    same = [one for one in offer.prices if one.interval == current.interval]
    if not same:
        return f"You paid {current.price} a {current.interval}. That price is not on sale any more."
    if same[0].price == current.price:
        return ""
    return (
        f"You paid {current.price} a {current.interval}; "
        f"it is now {same[0].price} a {same[0].interval}."
    )


def _last_payment(user: User) -> Payment | None:
    return (
        Payment.objects.for_user(user)
        .filter(status=PaymentStatus.SUCCEEDED)
        .select_related("invoice__subscription")
        .prefetch_related("disputes")
        .first()
    )


def _refund_lines(rows: Sequence[Refund], names: dict[str, str]) -> list[RefundLine]:
    return [
        refund_queries.line_of(row, descriptions.of_payment(row.payment, names)) for row in rows
    ]


def _invoice_line(
    row: Invoice, names: dict[str, str], briefs: Mapping[int, str] | None = None
) -> InvoiceLine:
    """Return an invoice as a row. `briefs`: what may be refunded, by the payment's key."""
    tone, label = _invoice_state(row)
    payments = row.payments.all() if briefs is not None else []
    refunded = 0 if row.credit_notes_amount else sum(one.amount_refunded for one in payments)
    refundable = [brief for one in payments if (brief := (briefs or {}).get(one.pk))]
    return InvoiceLine(
        url=reverse("billing:invoice", args=[row.pk]),
        number=row.number,
        date=row.finalized_at or row.created_at,
        total=Money(row.total, row.currency),
        tone=tone,
        label=label,
        description=descriptions.of_invoice(row, names),
        credited=Money(-row.credit_notes_amount, row.currency) if row.credit_notes_amount else None,
        from_credit=Money(row.balance_applied, row.currency) if row.balance_applied < 0 else None,
        refunded=Money(-refunded, row.currency) if refunded else None,
        refundable=next(iter(refundable), ""),
    )


def _invoice_state(row: Invoice) -> tuple[Tone, str]:
    match row.status:
        case InvoiceStatus.PAID if row.total > 0 and row.credit_notes_amount >= row.total:
            return Tone.INFO, "Credited"
        case InvoiceStatus.PAID:
            return Tone.GOOD, "Paid"
        case InvoiceStatus.VOID:
            return Tone.INFO, "Void"
        case InvoiceStatus.UNCOLLECTIBLE:
            return Tone.BAD, "Not paid"
        case _:
            return _open_invoice_state(row)


def _open_invoice_state(row: Invoice) -> tuple[Tone, str]:
    match row.collection:
        case Collection.PROCESSING:
            return Tone.WAIT, "In progress"
        case Collection.REQUIRES_ACTION:
            return Tone.WAIT, "Needs your confirmation"
        case _ if row.attempt_count:
            return Tone.BAD, "Payment failed"
        case _:
            return Tone.WAIT, "Open"


def _payment_line(row: Payment, description: str) -> PaymentLine:
    tone, label = _payment_state(row)
    return PaymentLine(
        date=row.paid_at or row.created_at,
        amount=Money(row.amount, row.currency),
        refunded=Money(row.amount_refunded, row.currency) if row.amount_refunded else None,
        tone=tone,
        label=label,
        method=wording.card(row.card_brand, row.card_last4),
        description=description,
        url=_payment_url(row),
        problem=_problem(row),
        disputes=tuple(_dispute_notice(one) for one in row.disputes.all()),
    )


def _dispute_notice(row: Dispute) -> Attention:
    """Return what is to be said to the member about a dispute."""
    amount = Money(row.amount, row.currency)
    match row.status:
        case DisputeStatus.WON:
            return Attention(Tone.INFO, wording.DISPUTE_WON, wording.DISPUTE_WON_TEXT)
        case DisputeStatus.LOST:
            text = wording.DISPUTE_LOST_TEXT.format(amount=amount)
            return Attention(Tone.INFO, wording.DISPUTE_LOST, text)
        case DisputeStatus.WARNING_CLOSED | DisputeStatus.PREVENTED:
            return Attention(Tone.INFO, wording.DISPUTE_SETTLED, wording.DISPUTE_SETTLED_TEXT)
        case _ if row.is_inquiry:
            return Attention(Tone.WAIT, wording.ASKED_BY_BANK, wording.ASKED_BY_BANK_TEXT)
    return Attention(Tone.WAIT, wording.DISPUTED, wording.DISPUTED_TEXT.format(amount=amount))


def _problem(row: Payment) -> str:
    """Return why a payment is not made, or what it waits for."""
    match row.status:
        case PaymentStatus.REQUIRES_PAYMENT_METHOD:
            return wording.failure(row.failure_code, row.card_brand)
        case PaymentStatus.REQUIRES_ACTION:
            return wording.TO_CONFIRM
        case PaymentStatus.PROCESSING:
            return wording.PROCESSING
        case _:
            return ""


def _payment_url(row: Payment) -> str:
    """Return the page of what was paid: the invoice's, else the payment's own."""
    if row.invoice_id:
        return reverse("billing:invoice", args=[row.invoice_id])
    return reverse("billing:payment", args=[row.pk])


def _payment_state(row: Payment) -> tuple[Tone, str]:
    match row.status:
        case PaymentStatus.SUCCEEDED:
            return _refund_state(row)
        case PaymentStatus.CANCELED:
            return Tone.INFO, "Canceled"
        case PaymentStatus.REQUIRES_PAYMENT_METHOD:
            return Tone.BAD, "Failed"
        case PaymentStatus.REQUIRES_ACTION:
            return Tone.WAIT, "Needs your confirmation"
        case _:
            return Tone.WAIT, "In progress"


def _refund_state(row: Payment) -> tuple[Tone, str]:
    statuses = {one.status for one in row.disputes.all()}
    if statuses & OPEN_DISPUTE:
        return Tone.WAIT, "Disputed"
    if DisputeStatus.LOST in statuses:
        return Tone.INFO, "Returned by the bank"
    if not row.amount_refunded:
        return Tone.GOOD, "Paid"
    is_all = row.amount_refunded >= row.amount
    return Tone.INFO, "Refunded" if is_all else "Partly refunded"


def _invoice_item(line: dict[str, object], currency: str) -> InvoiceItem:
    return InvoiceItem(
        description=str(line["description"]),
        quantity=int(str(line["quantity"])),
        amount=Money(int(str(line["amount"])), currency),
        period_start=_line_time(line.get("period_start")),
        period_end=_line_time(line.get("period_end")),
    )


def _line_time(value: object) -> datetime | None:
    return datetime.fromtimestamp(int(str(value)), UTC) if value else None
