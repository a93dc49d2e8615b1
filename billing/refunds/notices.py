"""Messages to members about their refunds; `staff_notices` has those to staff."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TypedDict

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.core import texts as wording
from billing.core.dates import arrival, goes_out_by
from billing.core.statuses import (
    ANSWER_SOON,
    REFUND_SETTLED,
    RefundAction,
    RefundOrigin,
    RefundState,
)
from billing.facts import descriptions
from billing.models import Refund
from billing.refunds import contexts, membership_end, staff_notices, texts
from billing.refunds.membership_end import Ending
from billing.refunds.moves import RefundMoved
from billing.refunds.policy import Outcome
from common.links import portal_url
from common.one_by_one import OneByOne
from emails import drafts, outbox
from emails.catalog import Kind
from members import languages, time_zones

# Steps by Stripe are announced as the state they led to.
BY_ZELLE = (RefundAction.SENT_BY_ZELLE, RefundAction.LEFT_ACCOUNT)
SAID_BY_STRIPE = (RefundAction.STRIPE, RefundAction.FOUND, RefundAction.REOPENED)
REMIND_BEFORE = timedelta(days=7)
# The kinds of messages to a member about a refund.
TOLD = (
    Kind.REFUND_RECEIVED,
    Kind.REFUND_APPROVED,
    Kind.REFUND_DENIED,
    Kind.REFUND_SENT,
    Kind.REFUND_ARRIVED,
    Kind.REFUND_FAILED,
    Kind.REFUND_WITHDRAWN,
)


class Shared(TypedDict):
    """What each message to a member about a refund says."""

    name: str
    amount: str
    description: str
    url: str


class Leaving(TypedDict):
    """Whether the member leaves with the refund, and when the membership ends then."""

    leaves: bool
    goes_on_until: datetime | None
    because: str


def announce(moved: RefundMoved) -> None:
    """Put the messages for a refund's step into the outbox, in the caller's transaction.

    Goodwill refunds, and those from Stripe's dashboard, are announced from Stripe's step on. A
    request that the policy approves automatically gets only that message, seconds later.
    """
    staff_notices.announce(moved)
    with languages.of(moved.refund.customer.user):
        _tell_member(moved)


def _tell_member(moved: RefundMoved) -> None:
    row = moved.refund
    if moved.action in SAID_BY_STRIPE:
        _tell_what_stripe_says(moved)
    elif row.payment.is_by_zelle and moved.action in BY_ZELLE:
        _tell_of_zelle(row, moved.action)
    elif row.origin == RefundOrigin.MEMBER:
        _tell_what_we_say(row, moved.action)


def _tell_what_we_say(row: Refund, action: RefundAction) -> None:
    match action:
        case RefundAction.REQUESTED if row.verdict.get("outcome") != Outcome.AUTOMATIC:
            _received(row)
        case RefundAction.APPROVED:
            _approved(row)
        case RefundAction.DENIED | RefundAction.OVERTAKEN:
            _denied(row, is_overtaken=action == RefundAction.OVERTAKEN)
        case RefundAction.WITHDRAWN:
            context = contexts.RefundWithdrawn(**_shared(row))
            _put(row, context, step="withdrawn", happened_at=timezone.now())
        case RefundAction.REFUSED:
            _failed(row, timezone.now())


def _tell_of_zelle(row: Refund, action: RefundAction) -> None:
    if action == RefundAction.SENT_BY_ZELLE:
        _sent(row, timezone.now())
    elif action == RefundAction.LEFT_ACCOUNT:
        _arrived(row, timezone.now())


def _tell_what_stripe_says(moved: RefundMoved) -> None:
    """Say where the money is. A refund found at Stripe has Stripe's date; any other is new."""
    row = moved.refund
    happened_at = row.created_at if moved.action == RefundAction.FOUND else timezone.now()
    match row.state:
        case RefundState.PENDING | RefundState.REQUIRES_ACTION:
            _sent(row, happened_at)
        case RefundState.SUCCEEDED:
            _arrived(row, happened_at)
        case RefundState.FAILED:
            _failed(row, happened_at)
        case RefundState.CANCELED if moved.action != RefundAction.FOUND:
            _failed(row, happened_at)


def _received(row: Refund) -> None:
    context = contexts.RefundReceived(
        reason=texts.reason(row.reason),
        two_people=row.approvals_needed > 1,
        **_membership(row),
        **_shared(row),
    )
    _put(row, context, step="requested", happened_at=row.created_at)


def _approved(row: Refund) -> None:
    asked = str(row.money_asked) if row.amount < row.amount_asked else ""
    context = contexts.RefundApproved(
        asked=asked,
        words=row.answer,
        method=_method(row),
        **_membership(row),
        **_shared(row),
    )
    at = row.decided_at or timezone.now()
    _put(row, context, step="approved", happened_at=at)


def _membership(row: Refund) -> Leaving:
    """Return when the membership ends, if the member leaves with the refund."""
    subscription = row.payment.membership
    if subscription is None or not subscription.is_live or not row.cancels_membership:
        return {"leaves": False, "goes_on_until": None, "because": ""}
    ending = membership_end.of_refund(row)
    until = membership_end.last_day(subscription)
    is_later = ending != Ending.AT_ONCE
    return {
        "leaves": True,
        "goes_on_until": until if is_later else None,
        "because": ending.why,
    }


def _denied(row: Refund, *, is_overtaken: bool) -> None:
    context = contexts.RefundDenied(words=row.answer, is_closed=is_overtaken, **_shared(row))
    at = timezone.now()
    _put(row, context, step="denied", happened_at=at)


def remind_to_answer() -> None:
    """Ask members again where their money should go, a week before Stripe stops waiting.

    Raises:
        SomeFailed: all others were asked.
    """
    run = OneByOne()
    now = timezone.now()
    asked = Refund.objects.filter(
        state=RefundState.REQUIRES_ACTION, answer_by__gt=now, answer_by__lt=now + REMIND_BEFORE
    )
    for row in asked.order_by("pk"):
        with (
            run.each(f"Refund {row.pk}"),
            transaction.atomic(),
            languages.of(row.customer.user),
        ):
            _sent(row, now, step=ANSWER_SOON)
    run.finish()


def _sent(row: Refund, happened_at: datetime, *, step: str = "") -> None:
    """Say why it takes longer, and until when, if Stripe doesn't pass it on right away.

    One that staff sent by Zelle is on its way.

    Once the member has answered, it continues, which is announced with thanks.
    """
    needs_answer = row.state == RefundState.REQUIRES_ACTION
    answered = row.was_asked and not needs_answer
    out_by = goes_out_by(row.sent_at or row.created_at, _zone(row))
    is_by_zelle = row.payment.is_by_zelle
    until = row.answer_by if needs_answer else None if is_by_zelle else out_by
    context = contexts.RefundSent(
        sentence=_why_it_takes(row, needs_answer=needs_answer),
        needs_answer=needs_answer,
        answered=answered,
        until=until,
        method=_method(row),
        by_zelle=is_by_zelle,
        **_shared(row),
    )
    step = step or ("answered" if answered else row.state)
    _put(row, context, step=step, happened_at=happened_at)


def _why_it_takes(row: Refund, *, needs_answer: bool) -> str:
    if row.payment.is_by_zelle:
        return str(texts.SENT_BY_ZELLE)
    return str(texts.TO_ANSWER) if needs_answer else texts.wait(row.pending_reason)


def _arrived(row: Refund, happened_at: datetime) -> None:
    first, last = arrival(row.succeeded_at or row.sent_at or row.created_at, _zone(row))
    context = contexts.RefundArrived(
        words=row.answer if row.origin == RefundOrigin.STAFF else "",
        method=_method(row),
        from_=first,
        until=last,
        by_zelle=row.payment.is_by_zelle,
        **_shared(row),
    )
    _put(row, context, step="arrived", happened_at=happened_at)


def _failed(row: Refund, happened_at: datetime) -> None:
    """Say what went wrong, unless all is well: the money comes back in another way."""
    is_settled = row.failure_reason in REFUND_SETTLED
    is_canceled = row.state == RefundState.CANCELED
    again = portal_url("billing:request-refund", row.payment_id)
    context = contexts.RefundFailed(
        sentence=texts.cancellation(was_asked=row.was_asked)
        if is_canceled
        else texts.failure(row.failure_reason, was_sent=bool(row.stripe_id)),
        outlook="" if is_settled or is_canceled else str(texts.WILL_BE_IN_TOUCH),
        is_closed=is_settled,
        again_url=again if is_canceled else "",
        method=_method(row),
        **_shared(row),
    )
    _put(row, context, step="failed", happened_at=happened_at)


def causes_of(row: Refund) -> Q:
    """Return the condition for the member's messages about this refund (not resent ones)."""
    causes = Q(pk__in=[])
    for kind in TOLD:
        causes |= Q(dedupe_key__startswith=drafts.key_of(kind, _cause(row, "")))
    return causes


def _cause(row: Refund, step: str) -> str:
    return f"{row.pk}:{step}"


def _put(row: Refund, context: contexts.ToMember, *, step: str, happened_at: datetime) -> None:
    """Write one step's message; each step of a refund is announced once."""
    cause = _cause(row, step)
    outbox.put(row.customer.user, context, cause=cause, happened_at=happened_at)


def _shared(row: Refund) -> Shared:
    return {
        "name": row.customer.user.first_name,
        "amount": str(row.money),
        "description": descriptions.of_one(row.payment),
        "url": portal_url("billing:refund", row.pk),
    }


def _method(row: Refund) -> str:
    """Return where it goes, or "" if the member has to say."""
    card = wording.card(row.payment.card_brand, row.payment.card_last4)
    return "" if row.was_asked else card


def _zone(row: Refund) -> tzinfo | None:
    """Return the member's time zone, or None for the portal's own."""
    return time_zones.find(row.customer.user.member.time_zone)
