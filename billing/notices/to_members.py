"""Step 4: turn changes into messages for the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, assert_never

from django.conf import settings

from billing.core import tax_texts, texts
from billing.core.statuses import ENDED_BY_FAILED_PAYMENT, MembershipAction
from billing.facts import (
    also_billed,
    cards,
    credit,
    descriptions,
    discounts,
    memberships,
    pay_links,
    tax_settings,
    taxes,
)
from billing.models import (
    Checkout,
    CreditNote,
    Invoice,
    Payment,
    PaymentRequest,
    Subscription,
)
from billing.notices import collection, contexts, to_staff
from billing.notices.transitions import (
    CardChanged,
    CardExpiring,
    CollectionPaused,
    CollectionResumed,
    ConfirmationNeeded,
    CreditNoteIssued,
    DisputeLost,
    DisputeOpened,
    DisputeUpdated,
    DisputeWon,
    EndScheduled,
    EndTakenBack,
    InvoiceDueSoon,
    InvoiceOverdue,
    InvoicePaid,
    InvoicePaymentFailed,
    InvoiceSent,
    MoneyMoved,
    OfferAccepted,
    PriceSwitched,
    RenewalComing,
    SinglePaymentFailed,
    SinglePaymentReceived,
    SubscriptionEnded,
    SubscriptionStarted,
    Transition,
    TrialEnding,
)
from common.links import portal_url
from common.money import Money
from emails import outbox
from emails.contexts import NamedAmount


class CreditUsed(TypedDict):
    """Credit that pays part of the next charge, and what's left of it."""

    credit: str
    credit_used: str


class Besides(TypedDict):
    """Whether an invoice is for something other than the membership, and what."""

    is_other: bool
    other: str


def announce(transition: Transition) -> None:
    """Put the messages of a transition into the outbox, in the caller's transaction."""
    match transition:
        case SubscriptionStarted():
            _welcome(transition.subscription)
        case (
            EndScheduled()
            | EndTakenBack()
            | PriceSwitched()
            | CardChanged()
            | OfferAccepted()
            | SubscriptionEnded()
        ):
            _changed(transition)
        case TrialEnding() | RenewalComing() | CardExpiring():
            _remind(transition)
        case DisputeOpened() | DisputeUpdated() | DisputeWon() | DisputeLost():
            to_staff.announce_dispute(transition)
        case (
            CollectionPaused()
            | CollectionResumed()
            | InvoiceSent()
            | InvoiceDueSoon()
            | InvoiceOverdue()
        ):
            collection.announce(transition)
        case _:
            _tell_of_money(transition)


def _tell_of_money(moved: MoneyMoved) -> None:
    match moved:
        case InvoicePaid():
            _receipt(moved)
        case InvoicePaymentFailed():
            _payment_failed(moved)
        case ConfirmationNeeded():
            _confirm_payment(moved)
        case SinglePaymentReceived():
            _receipt_of_payment(moved.payment)
        case SinglePaymentFailed():
            _single_payment_failed(moved)
        case CreditNoteIssued():
            _credit_note(moved.note)
        case _:
            assert_never(moved)


def _changed(
    change: EndScheduled
    | EndTakenBack
    | PriceSwitched
    | CardChanged
    | OfferAccepted
    | SubscriptionEnded,
) -> None:
    match change:
        case EndScheduled():
            _membership_ends(change)
        case EndTakenBack():
            _membership_goes_on(change)
        case PriceSwitched():
            _price_switched(change)
        case CardChanged():
            _card_changed(change)
        case OfferAccepted():
            _offer_accepted(change)
        case SubscriptionEnded():
            _membership_ended(change)
        case _:
            assert_never(change)


def _remind(coming: TrialEnding | RenewalComing | CardExpiring) -> None:
    match coming:
        case TrialEnding():
            _trial_ends(coming)
        case RenewalComing():
            _renewal_comes(coming)
        case CardExpiring():
            _card_expires(coming)
        case _:
            assert_never(coming)


def _welcome(subscription: Subscription) -> None:
    """Welcome a member. A second membership gets no welcome: staff sort it out."""
    user = subscription.customer.user
    if len(memberships.live(user)) > 1:
        return
    plan = _plan_of(subscription)
    trial = subscription.trial_end
    end = subscription.current_period_end
    outbox.put(
        user,
        contexts.Welcome(
            name=user.first_name,
            plan_name=plan,
            price=str(subscription.money),
            interval=texts.interval(subscription.interval, subscription.interval_count),
            tax_words=tax_texts.price(subscription.taxation),
            next_charge_on=end if subscription.is_renewal_charged else None,
            by_invoice=subscription.is_sent,
            trial_ends_on=trial if trial and trial > subscription.started_at else None,
        ),
        cause=subscription.stripe_id,
        happened_at=subscription.started_at,
    )


def _membership_ends(scheduled: EndScheduled) -> None:
    """Say when it ends, and how to undo that. Each decision is announced once."""
    subscription = scheduled.subscription
    ends_at = subscription.ends_at
    if ends_at is None:
        return
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.MembershipEnds(
            name=user.first_name,
            plan_name=_plan_of(subscription),
            ends_on=ends_at,
            goes_on=_goes_on(subscription),
            another=_keeps_another(subscription),
            credit=_credit(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{_seconds(subscription.canceled_at)}:{_seconds(ends_at)}",
        happened_at=scheduled.decided_at,
        good_until=ends_at,
    )


def _membership_goes_on(taken_back: EndTakenBack) -> None:
    subscription, before = taken_back.subscription, taken_back.before
    end, resumes_at = subscription.current_period_end, subscription.resumes_at
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.MembershipGoesOn(
            name=user.first_name,
            plan_name=_plan_of(subscription),
            price=_next_charge(subscription),
            next_charge_on=end if subscription.is_renewal_charged else None,
            resumes_on=resumes_at,
            **_credit_used(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{_seconds(before.canceled_at)}:{_seconds(before.ends_at)}",
        happened_at=taken_back.seen_at,
    )


def _price_switched(switched: PriceSwitched) -> None:
    """Say what's charged from now on, and when next. Each decision is announced once."""
    subscription = switched.subscription
    user = subscription.customer.user
    price, end = subscription.price_id, subscription.current_period_end
    decisions = subscription.decisions.filter(action=MembershipAction.SWITCH, price_id=price)
    decision = decisions.values_list("pk", flat=True).first() or 0
    outbox.put(
        user,
        contexts.PriceSwitched(
            name=user.first_name,
            plan_name=_plan_of(subscription),
            rhythm=texts.rhythm(subscription.interval, subscription.interval_count).lower(),
            price=str(subscription.money),
            interval=texts.interval(subscription.interval, subscription.interval_count),
            tax_words=tax_texts.price(subscription.taxation),
            next_charge=_next_charge(subscription),
            next_charge_on=end if subscription.is_renewal_charged else None,
            **_credit_used(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{price}:{_seconds(end)}:{decision}",
        happened_at=switched.seen_at,
    )


def _card_changed(changed: CardChanged) -> None:
    """Say which card is charged now: whoever changed it, its owner should know."""
    subscription, before = changed.subscription, changed.before
    user = subscription.customer.user
    new = texts.card(subscription.card_brand, subscription.card_last4)
    outbox.put(
        user,
        contexts.CardChanged(
            name=user.first_name,
            plan_name=_plan_of(subscription),
            method=new,
            before=texts.card(before.card_brand, before.card_last4),
            url=portal_url("billing:membership"),
        ),
        # Back to the first card is news again.
        cause=f"{subscription.stripe_id}:{subscription.card_last4}:{_seconds(changed.seen_at)}",
        happened_at=changed.seen_at,
    )


def _offer_accepted(accepted: OfferAccepted) -> None:
    """Say thank you, what the discount is, and what's charged next."""
    subscription, decision = accepted.subscription, accepted.decision
    if decision.offer is None:
        return
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.OfferAccepted(
            name=user.first_name,
            plan_name=_plan_of(subscription),
            terms=decision.offer.terms,
            next_charge=_next_charge(subscription),
            next_charge_on=subscription.current_period_end,
            **_credit_used(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{decision.pk}:{decision.discount_id}",
        happened_at=decision.created_at,
    )


def _membership_ended(ended: SubscriptionEnded) -> None:
    """Say that it's over, and how to come back."""
    subscription = ended.subscription
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.MembershipEnded(
            name=user.first_name,
            plan_name=_plan_of(subscription),
            ended_on=ended.ended_at,
            unpaid=subscription.end_reason == ENDED_BY_FAILED_PAYMENT,
            goes_on=_goes_on(subscription),
            another=memberships.current(user) is not None,
            credit=_credit(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=subscription.stripe_id,
        happened_at=ended.ended_at,
    )


def _receipt(paid_invoice: InvoicePaid) -> None:
    """Send a receipt; a zero invoice (a trial's) gets none.

    After a failed try it says first that the payment went through: one mail per payment.
    """
    invoice = paid_invoice.invoice
    if not invoice.amount_paid or not invoice.paid_at:
        return
    user, tax = invoice.customer.user, taxes.of_invoice(invoice)
    paid = [payment for payment in paid_invoice.payments if payment.paid_at]
    methods = [texts.card(payment.card_brand, payment.card_last4) for payment in paid]
    outbox.put(
        user,
        contexts.PaymentReceived(
            name=user.first_name,
            amount=_money(invoice, invoice.amount_paid),
            description=describe(invoice),
            recovered=paid_invoice.recovered,
            next_card=_next_card(paid_invoice) if paid_invoice.recovered else "",
            home_url=portal_url("home"),
            invoice_number=invoice.number,
            paid_on=invoice.paid_at,
            method=" and ".join(dict.fromkeys(filter(None, methods))),
            is_direct=bool(paid) and all(payment.is_outside for payment in paid),
            lines=[
                NamedAmount(description=line["description"], amount=_money(invoice, line["amount"]))
                for line in invoice.lines
            ],
            taxes=_named_amounts(invoice, tax.added),
            taxes_included=_named_amounts(invoice, taxes.included_words(tax.included)),
            tax_note=tax.note,
            discount=_money(invoice, -invoice.discount) if invoice.discount else "",
            discount_label=texts.discount(invoice.promotion_codes),
            credits=_named_amounts(invoice, texts.invoice_credits(invoice)),
            url=portal_url("billing:invoice", invoice.pk),
        ),
        cause=invoice.stripe_id,
        happened_at=invoice.paid_at,
    )


def _next_card(paid_invoice: InvoicePaid) -> str:
    """Return the card charged next if another one paid now, or "" if it's the same."""
    row = paid_invoice.invoice.subscription
    other = cards.other_card(row) if row else None
    if row is None or other not in paid_invoice.payments:
        return ""
    return texts.card(row.card_brand, row.card_last4) or "card from before"


def _receipt_of_payment(payment: Payment) -> None:
    """Send a receipt for a payment without an invoice."""
    if not payment.paid_at:
        return
    user = payment.customer.user
    amount = str(payment.money_received)
    description = texts.payment_description(payment.description, settings.BRAND_NAME)
    outbox.put(
        user,
        contexts.PaymentReceived(
            name=user.first_name,
            amount=amount,
            description=description,
            home_url=portal_url("home"),
            paid_on=payment.paid_at,
            method=texts.card(payment.card_brand, payment.card_last4),
            lines=[NamedAmount(description=description, amount=amount)],
            taxes_included=_tax_in(payment),
            url=portal_url("billing:payment", payment.pk),
        ),
        cause=payment.stripe_id,
        happened_at=payment.paid_at,
    )


def _tax_in(payment: Payment) -> list[NamedAmount]:
    """Return the tax in a single payment, whether included in its price or added."""
    if not payment.tax:
        return []
    return [
        NamedAmount(description="Includes tax", amount=str(Money(payment.tax, payment.currency)))
    ]


def _credit_note(note: CreditNote) -> None:
    """Say what was taken off an invoice. If it's only a refund, the refund's message says it."""
    if note.amount == note.refunded:
        return
    user, invoice = note.customer.user, note.invoice
    outbox.put(
        user,
        contexts.CreditNoteIssued(
            name=user.first_name,
            amount=str(note.money),
            description=describe(invoice),
            invoice_number=invoice.number,
            number=note.number,
            sentences=texts.credit_note(note),
            url=portal_url("billing:invoice", invoice.pk),
        ),
        cause=note.stripe_id,
        happened_at=note.created_at,
    )


def _single_payment_failed(failed: SinglePaymentFailed) -> None:
    """Say that a bank didn't pay, days after the member's part was done, and how to retry.

    Each try is announced once: `charge_id` names it.
    """
    payment = failed.payment
    user, checkout = payment.customer.user, Checkout.objects.filter(payment=payment).first()
    asked = checkout.request if checkout else None
    again = pay_links.url_of(asked) if asked else portal_url("billing:pay-amount")
    outbox.put(
        user,
        contexts.PaymentNotMade(
            name=user.first_name,
            amount=str(payment.money),
            description=texts.payment_description(payment.description, settings.BRAND_NAME),
            reason=texts.failure(payment.failure_code, payment.card_brand),
            method=texts.card(payment.card_brand, payment.card_last4),
            url=again if asked or settings.PAYMENT_MAXIMUM else portal_url("billing:payments"),
        ),
        cause=f"{payment.stripe_id}:{payment.charge_id}",
        happened_at=failed.failed_at,
    )


def _payment_failed(failed: InvoicePaymentFailed) -> None:
    """Say what failed, how to fix it, and whether another try follows."""
    invoice, payment = failed.invoice, failed.payment
    user = invoice.customer.user
    next_attempt = invoice.next_payment_attempt_at
    outbox.put(
        user,
        contexts.PaymentFailed(
            name=user.first_name,
            amount=_money(invoice, invoice.amount_remaining),
            description=describe(invoice),
            reason=texts.failure(payment.failure_code, payment.card_brand)
            if payment
            else texts.failure(""),
            method=texts.card(payment.card_brand, payment.card_last4) if payment else "",
            next_attempt_on=next_attempt,
            final=invoice.was_last_try,
            **_besides(invoice),
            url=portal_url("billing:invoice", invoice.pk),
        ),
        cause=_attempt(invoice),
        happened_at=failed.attempted_at,
        good_until=next_attempt,
    )


def _confirm_payment(needed: ConfirmationNeeded) -> None:
    """Say that the bank wants to ask the member something, and where."""
    invoice, payment = needed.invoice, needed.payment
    user = invoice.customer.user
    next_attempt = invoice.next_payment_attempt_at
    outbox.put(
        user,
        contexts.PaymentConfirmation(
            name=user.first_name,
            amount=_money(invoice, invoice.amount_remaining),
            description=describe(invoice),
            method=texts.card(payment.card_brand, payment.card_last4) if payment else "",
            is_other=invoice.membership is None,
            url=portal_url("billing:invoice-hosted", invoice.pk),
        ),
        cause=_attempt(invoice),
        happened_at=needed.attempted_at,
        good_until=next_attempt,
    )


def _trial_ends(ending: TrialEnding) -> None:
    subscription = ending.subscription
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.TrialEnding(
            name=user.first_name,
            plan_name=_plan_of(subscription),
            price=_next_charge(subscription),
            interval=texts.interval(subscription.interval, subscription.interval_count),
            other=_other(subscription),
            ends_on=ending.ends_at,
            method=_card_charged(subscription),
            by_invoice=subscription.is_sent,
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{_seconds(ending.ends_at)}",
        happened_at=ending.seen_at,
        good_until=ending.ends_at,
    )


def _renewal_comes(coming: RenewalComing) -> None:
    subscription = coming.subscription
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.RenewalComing(
            name=user.first_name,
            plan_name=_plan_of(subscription),
            price=_next_charge(subscription),
            interval=texts.interval(subscription.interval, subscription.interval_count),
            other=_other(subscription),
            renews_on=subscription.current_period_end,
            method=_card_charged(subscription),
            by_invoice=subscription.is_sent,
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{_seconds(subscription.current_period_end)}",
        happened_at=coming.seen_at,
        good_until=subscription.current_period_end,
    )


def _card_charged(subscription: Subscription) -> str:
    """Return the card charged for the next payment; none if an invoice is sent."""
    is_sent = subscription.is_sent
    return "" if is_sent else texts.card(subscription.card_brand, subscription.card_last4)


def _card_expires(expiring: CardExpiring) -> None:
    """Announced once per card and the month printed on it."""
    row = expiring.subscription
    user = row.customer.user
    outbox.put(
        user,
        contexts.CardExpiring(
            name=user.first_name,
            method=texts.card(row.card_brand, row.card_last4),
            other=_other(row),
            expires=texts.card_expiry(row.card_expires),
            next_charge_on=row.current_period_end,
            url=portal_url("billing:membership"),
        ),
        cause=f"{row.stripe_id}:{row.card_brand}:{row.card_last4}:{row.card_expires}",
        happened_at=expiring.seen_at,
        good_until=row.card_ends_at,
    )


def _attempt(invoice: Invoice) -> str:
    """Return a stable key for the last attempt to collect an invoice."""
    return f"{invoice.stripe_id}:{invoice.attempt_count}"


def ask_for_payment(request: PaymentRequest) -> None:
    """Ask a member to pay; call it in the transaction that sends the request."""
    sent, end = request.sent_at, request.expires_at
    if sent is None:
        return
    outbox.put(
        request.user,
        contexts.PaymentRequested(
            name=request.user.first_name,
            amount=str(request.price),
            tax_words=tax_settings.single_words(),
            adds_tax=tax_settings.adds_to_single(),
            description=request.description,
            expires_on=end,
            url=pay_links.url_of(request),
        ),
        # An expired request may be sent again: each sending has its own time.
        cause=f"{request.pk}:{sent.isoformat()}",
        happened_at=sent,
    )


def describe(invoice: Invoice) -> str:
    """Return what an invoice is for, in the member's words."""
    return descriptions.of_invoice(invoice, descriptions.product_names([invoice]))


def _plan_of(subscription: Subscription) -> str:
    return subscription.name or "Membership"


def _other(subscription: Subscription) -> str:
    """Return what a subscription other than the membership is for, or ""."""
    return "" if subscription.is_membership else subscription.name


def _besides(invoice: Invoice) -> Besides:
    """Return whether an invoice is for something other than the membership, and what."""
    row = invoice.subscription
    return {"is_other": invoice.membership is None, "other": _other(row) if row else ""}


def _keeps_another(ending: Subscription) -> bool:
    """Whether another of the member's memberships continues when one ends."""
    others = memberships.live(ending.customer.user)
    return any(row.pk != ending.pk and row.ends_at is None for row in others)


def _goes_on(ending: Subscription) -> list[str]:
    """Return in sentences what a member is still charged for after a membership ends."""
    rows = Subscription.objects.for_user(ending.customer.user).live().filter(cancel_at=None)
    others = rows.exclude(pk=ending.pk).exclude(cancel_at_period_end=True)
    return [
        f"{'Your other membership' if row.is_membership else row.name} "
        f"({also_billed.price_of(row)}) continues."
        for row in others
    ]


def _next_charge(subscription: Subscription) -> str:
    """Return the next payment's amount, which a discount may reduce."""
    known = discounts.next_charge(subscription)
    return str(subscription.money if known is None else known)


def _credit_used(subscription: Subscription) -> CreditUsed:
    """Return why the next charge is less than the price if credit pays part of it."""
    if not subscription.next_credit or not subscription.is_renewal_charged:
        return {"credit": "", "credit_used": ""}
    used = str(Money(subscription.next_credit, subscription.currency))
    return {"credit": _credit(subscription), "credit_used": used}


def _credit(subscription: Subscription) -> str:
    """Return a member's credit, or ""."""
    return str(credit.of(subscription) or "")


def _seconds(moment: datetime | None) -> int:
    """Return a moment as part of a stable key."""
    return int(moment.timestamp()) if moment else 0


def _money(invoice: Invoice, amount: int) -> str:
    return str(Money(amount, invoice.currency))


def _named_amounts(invoice: Invoice, named: list[tuple[str, int]]) -> list[NamedAmount]:
    return [
        NamedAmount(description=words, amount=_money(invoice, amount)) for words, amount in named
    ]
