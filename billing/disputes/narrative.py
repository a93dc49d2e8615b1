"""What happened, in plain sentences, as far as it's on record."""

from __future__ import annotations

from collections.abc import Iterator

from billing.core import texts
from billing.core.statuses import MembershipAction
from billing.disputes.case import Case, day, moment, name_of, terms_before_payment
from billing.facts import descriptions
from common.context import current_brand
from emails.catalog import Kind
from emails.models import Channel, MessageState

ENDS = frozenset({MembershipAction.CANCEL, MembershipAction.CANCEL_NOW})


def narrative(case: Case) -> Iterator[str]:
    """Describe in plain sentences what happened, as far as it's on record."""
    who = name_of(case.user)
    proven = " and verified the email address with a code sent to it" if case.is_verified else ""
    joined, brand = day(case.user.date_joined), current_brand().name
    yield f"{who} opened an account with {brand} on {joined}{proven}."
    if terms := terms_before_payment(case):
        ip = f" from the IP address {terms.ip}" if terms.ip else ""
        yield (
            f"On {day(terms.happened_at)}, they accepted our terms (version {terms.version}){ip}."
        )
    payment = case.payment
    card = texts.card(payment.card_brand, payment.card_last4)
    what = descriptions.of_one(payment)
    by = f" with {card}" if card else ""
    yield f"On {day(case.paid_at)}, {payment.money} was paid{by} for {what}."
    yield from _earlier_sentences(case)
    yield from _use_sentences(case)
    yield from _message_sentences(case)
    yield from refund_sentences(case)
    yield from end_sentences(case)


def _earlier_sentences(case: Case) -> Iterator[str]:
    earlier = case.earlier
    if not earlier:
        return
    first = min(row.paid_at for row in earlier if row.paid_at)
    count = "one earlier payment" if len(earlier) == 1 else f"{len(earlier)} earlier payments"
    yield (f"The same card made {count} to us without a dispute, the first on {day(first)}.")


def _use_sentences(case: Case) -> Iterator[str]:
    before = [row for row in case.sign_ins if row.happened_at <= case.paid_at]
    after = [row for row in case.sign_ins if row.happened_at > case.paid_at]
    if before:
        last = before[0]
        yield (
            f"The last sign-in before the payment was on {moment(last.happened_at)} "
            f"from the IP address {last.ip}."
        )
    if after:
        times = "once" if len(after) == 1 else f"{len(after)} times"
        same = {row.ip for row in before} & {row.ip for row in after}
        also = ", including from an IP address used before the payment" if same else ""
        yield f"Since the payment, the member has signed in {times}{also}."


def _message_sentences(case: Case) -> Iterator[str]:
    """Describe this very payment's receipt: its key names the cause, or its cause does."""
    cause = case.payment.invoice.stripe_id if case.payment.invoice else case.payment.stripe_id
    key = f"{Kind.PAYMENT_RECEIVED}:{cause}:"
    for row in case.messages:
        is_receipt = row.dedupe_key.startswith(key) and row.kind == Kind.PAYMENT_RECEIVED
        is_receipt = is_receipt or (row.kind == Kind.JOINED and row.cause == cause)
        if is_receipt and row.sent_at and row.state != MessageState.FAILED:
            how = "text message" if row.channel == Channel.SMS else "email"
            yield f"The receipt was sent to {row.recipient} by {how} on {moment(row.sent_at)}."


def end_sentences(case: Case) -> Iterator[str]:
    """Say whether and when the membership was canceled."""
    subscription = case.payment.invoice.subscription if case.payment.invoice else None
    ends = {row.created_at for row in case.decisions if row.action in ENDS}
    if subscription and subscription.canceled_at and not ends:
        # It was ended in Stripe's dashboard.
        ends.add(subscription.canceled_at)
    if subscription and not any(at <= case.paid_at for at in ends):
        yield "The membership had not been canceled before the payment."
    for at in sorted(ends):
        yield f"The membership was canceled on {moment(at)}."


def refund_sentences(case: Case) -> Iterator[str]:
    """Say whether a refund was requested or made."""
    payment = case.payment
    asked = [row for row in case.refunds if row.payment_id == payment.pk]
    for row in asked:
        state = row.get_state_display().lower()
        asked_on = day(row.created_at)
        yield f"A refund of {row.money} was requested on {asked_on}; its status is {state}."
    if payment.amount_refunded:
        yield f"{payment.money_refunded} of this payment was refunded."
    elif asked:
        yield "No part of this payment was refunded."
    else:
        yield "No refund of this payment was requested in the portal, and none was made."
