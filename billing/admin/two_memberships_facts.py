"""A member's two memberships for staff: last payments, and what ending one would do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils.safestring import SafeString

from billing.admin import labels
from billing.admin.refunds.case import Fact, left_of, refunds_of, rule_of_two
from billing.admin.stripe_links import has_stripe_dashboard, stripe_url
from billing.core import texts
from billing.core.statuses import UNPAID_SUBSCRIPTION, InvoiceStatus, RefundReason
from billing.facts import also_billed, memberships
from billing.models import Customer, Payment, Refund, Subscription
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds import two_memberships
from billing.refunds.service import RefundRequest
from billing.refunds.transitions import RefundAmountError, RefundError
from billing.refunds.two_memberships import Choice
from common.money import Money
from common.staff import show

NOT_PAID = "Nothing has been paid for it yet."
NOTHING_LEFT = "Nothing is left of its last payment."
NO_PERMISSION = "You don’t have permission to give refunds."


@dataclass(frozen=True)
class Ends:
    """What a staff member can choose for one of two memberships.

    `left` is what can be refunded of its last payment, in minor units; if that's nothing, or they
    may not give it, `why_no_refund` says why.
    """

    row: Subscription
    payment: Payment | None
    left: int = 0
    unused: int = 0
    why_no_refund: str = ""

    @property
    def currency(self) -> str:
        """The currency of its payment, or else its own."""
        return self.payment.currency if self.payment else self.row.currency


@dataclass(frozen=True)
class Shown:
    """A membership as the page shows it."""

    title: str
    badge: SafeString
    facts: list[Fact]


@dataclass(frozen=True)
class Outlook:
    """What ending one would do, and what would still be charged, in sentences."""

    title: str
    button: str
    happens: list[str]
    goes_on: list[str]


def ends_of(row: Subscription, actor: User) -> Ends:
    """Return what this person can choose for a membership."""
    payment = two_memberships.last_payment(row)
    if payment is None:
        return Ends(row, None, why_no_refund=NOT_PAID)
    ends = Ends(
        row,
        payment,
        left=refund_terms.facts_of(payment).left,
        unused=two_memberships.suggested(payment),
    )
    if why := _why_no_refund(ends, actor):
        return replace(ends, left=0, unused=0, why_no_refund=why)
    return ends


def _why_no_refund(ends: Ends, actor: User) -> str:
    """Ask the workflow itself whether the remaining amount could be given."""
    if ends.payment is None:
        return NOT_PAID
    wanted = RefundRequest(amount=ends.left or 1, reason=RefundReason.DUPLICATE, key=uuid.uuid4())
    try:
        refunds.would_go_back_at_once(ends.payment.pk, actor, wanted)
    except PermissionDenied:
        return NO_PERMISSION
    except RefundAmountError:
        return NOTHING_LEFT
    except RefundError as error:
        return str(error)
    return ""


def may_be_ended(row: Subscription, live: Sequence[Subscription]) -> bool:
    """Whether another of the member's live memberships continues without it."""
    return row in live and any(not one.ends_with_period for one in live if one != row)


def lead(live: Sequence[Subscription]) -> str:
    """Return what's wrong with someone's memberships, as a sentence without their name."""
    going_on = sum(not row.ends_with_period for row in live)
    if going_on > 1:
        both = "both of these" if going_on == 2 else f"{going_on} memberships"
        return f"is charged for {both}. End one, and refund its last payment if that’s right."
    if len(live) > 1:
        return f"has {len(live)} memberships, but only one of them will renew."
    if live:
        return "has one membership. There’s nothing to do here."
    return "has no membership now. There’s nothing to do here."


def shown(ends: Ends) -> Shown:
    """Return a membership with everything needed to choose which one ends."""
    row = ends.row
    facts = [
        ("Member since", show.day(row.started_at)),
        (
            "Paid period",
            f"{show.day(row.current_period_start)} to {show.day(row.current_period_end)}",
        ),
        ("What is next", _next(row)),
        ("Card", texts.card(row.card_brand, row.card_last4)),
        ("Last payment", _paid(ends.payment)),
        ("Refunds of it", _refunds(ends.payment)),
        ("Left to refund", _left(ends.payment)),
        ("Customer", _customer(row.customer)),
        ("Subscription", _record(row)),
    ]
    known = [Fact(label, value) for label, value in facts if value]
    two = rule_of_two([refund_terms.facts_of(ends.payment)]) if ends.payment else []
    badge = show.badge(*labels.subscription(row))
    return Shown(_called(row), badge, [*known, *two])


def _called(row: Subscription) -> str:
    """Return "Membership, $29.00 a month": both may have the same name."""
    return f"{row.name or 'Membership'}, {also_billed.price_of(row)}"


def _next(row: Subscription) -> str:
    if row.status in UNPAID_SUBSCRIPTION:
        return "The last payment failed"
    return labels.next_step(row)


def _paid(payment: Payment | None) -> SafeString | str:
    if payment is None:
        return "None"
    card = texts.card(payment.card_brand, payment.card_last4)
    paid = f"{payment.money_received} on {show.day(payment.paid_at)}"
    return show.link(payment, f"{paid}, {card}" if card else paid)


def _refunds(payment: Payment | None) -> SafeString | str:
    given = Refund.objects.filter(payment=payment) if payment else Refund.objects.none()
    return refunds_of(given) if given.exists() else ""


def _left(payment: Payment | None) -> str:
    if payment is None:
        return ""
    return left_of(refund_terms.facts_of(payment), refund_terms.credited_of([payment]))


def _customer(row: Customer) -> SafeString | str:
    """Return a link to a customer, named to distinguish two of one member."""
    return show.link(row, f"{row.email} ({row.stripe_id})" if row.email else row.stripe_id)


def _record(row: Subscription) -> SafeString | str:
    pairs = [(show.page_of(row), row.stripe_id)]
    if has_stripe_dashboard():
        pairs.append((stripe_url("subscriptions", row.stripe_id), "Open in Stripe"))
    return show.links(pairs)


def outlook_of(choice: Choice, actor: User) -> Outlook:
    """Say what a choice would do.

    Raises:
        PermissionDenied, RefundError: the refund can't be given.
    """
    user = choice.subscription.customer.user
    is_sent = True
    if choice.payment and choice.refund:
        is_sent = refunds.would_go_back_at_once(choice.payment.pk, actor, choice.refund)
    return Outlook(
        title=f"End one of {show.name_of(user)}’s memberships?",
        button=_button(choice, is_sent),
        happens=[*_ending(choice), _refund(choice, is_sent), _told(choice)],
        goes_on=list(_goes_on(user, choice.subscription)),
    )


def _button(choice: Choice, is_sent: bool) -> str:
    ends = "End it now" if choice.at_once else "End it with its period"
    if choice.refund is None or choice.payment is None:
        return ends
    amount = Money(choice.refund.amount, choice.payment.currency)
    return f"{ends} and refund {amount}" if is_sent else f"{ends} and propose a refund of {amount}"


def _ending(choice: Choice) -> Iterator[str]:
    row = choice.subscription
    what = f"{row.name or 'Membership'} for {also_billed.price_of(row)}"
    if not choice.at_once:
        yield f"{what} ends on {show.day(row.current_period_end)} and won’t renew."
        return
    yield f"{what} ends right away and is never charged again. You can’t undo this."
    unpaid = row.invoices.filter(status=InvoiceStatus.OPEN, amount_remaining__gt=0)
    for one in unpaid:
        amount = one.money_remaining
        yield f"Its unpaid invoice of {amount} stays open. You can void it in Stripe."


def _refund(choice: Choice, is_sent: bool) -> str:
    payment, wanted = choice.payment, choice.refund
    if payment is None or wanted is None:
        return "Nothing is refunded."
    paid = payment.money_received
    amount = Money(wanted.amount, payment.currency)
    of = f"{amount} of its {paid} payment from {show.day(payment.paid_at)}"
    if not is_sent:
        return f"{of} is refunded once someone else approves it too."
    card = texts.card(payment.card_brand, payment.card_last4)
    return f"{of} goes back{f' to {card}' if card else ''} right away."


def _told(choice: Choice) -> str:
    name = show.name_of(choice.subscription.customer.user)
    ends = "this membership has ended" if choice.at_once else "this membership ends"
    about = " and, once Stripe has sent it, about the refund" if choice.refund else ""
    return f"We email {name} that {ends}{about}."


def _goes_on(user: User, ending: Subscription) -> Iterator[str]:
    """Yield what else the member is charged for, memberships first."""
    rows = Subscription.objects.for_user(user).live().exclude(pk=ending.pk)
    others = [row for row in rows if not row.is_membership]
    for row in [*memberships.ranked(rows), *others]:
        card = texts.card(row.card_brand, row.card_last4)
        paid = f", {card}" if card and row.is_renewal_charged and not row.is_sent else ""
        yield f"{row.name or 'Membership'} for {also_billed.price_of(row)}. {_next(row)}{paid}."
