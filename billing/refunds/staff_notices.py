"""Mails to staff about refunds: what's waiting for them, and what went wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.core.refund_times import HELD_MAIL, NOT_SENT_MAIL
from billing.core.statuses import (
    RefundAction,
    RefundOrigin,
    RefundState,
)
from billing.facts import descriptions
from billing.models import Refund
from billing.refunds import contexts, texts
from billing.refunds.moves import RefundMoved
from billing.refunds.policy import Outcome
from common.links import portal_url
from common.one_by_one import OneByOne
from emails import outbox
from emails.catalog import Kind
from emails.models import Message, MessageState


def announce(moved: RefundMoved) -> None:
    """Announce steps that need staff now, and no others."""
    row = moved.refund
    match moved.action:
        case RefundAction.REQUESTED if row.verdict.get("outcome") != Outcome.AUTOMATIC:
            _to_decide(row, "A member asks for a refund", _people(row), step="requested")
        case RefundAction.GIVEN if row.approvals_needed > 1:
            sentence = f"{_by(row)} wants to refund this. Somebody else must agree, too."
            _to_decide(row, "A refund needs a second person", sentence, step="second")
        case RefundAction.APPROVED_FIRST | RefundAction.SECOND_ASKED:
            sentence = "One of you has looked at it. Somebody else must agree, too."
            _to_decide(row, "A refund needs a second person", sentence, step="second")
        case RefundAction.APPROVED if row.payment.is_by_zelle:
            sentence = "It's approved. Send it from your bank's app, and enter its number here."
            _to_decide(row, "A refund has to be sent by Zelle", sentence, step="zelle")
        case RefundAction.WITHDRAWN if _were_told(row):
            sentence = "The member withdrew the request. There’s nothing to decide anymore."
            _put(contexts.RefundTakenBack, row, "Refund request withdrawn", sentence, step="gone")
        case RefundAction.REFUSED:
            _in_trouble(row, "Refund refused by Stripe", row.problem, step="failed")
        case RefundAction.STRIPE | RefundAction.REOPENED | RefundAction.FOUND:
            _failed(moved)


def remind() -> None:
    """Report once a day what has waited too long: for a decision, for sending, or at Stripe.

    REFUND_WAITING_DAYS is how long a member waits for a decision before that.

    Raises:
        SomeFailed: all others were reported.
    """
    run = OneByOne()
    now = timezone.now()
    waiting = Refund.objects.undecided().filter(
        created_at__lt=now - timedelta(days=settings.REFUND_WAITING_DAYS)
    )
    for row in waiting.order_by("created_at"):
        with run.each(f"Refund {row.pk}"):
            _waits(row, now)
    unsent = Refund.objects.not_sent(now, since=NOT_SENT_MAIL)
    by_hand = Refund.objects.by_zelle().filter(decided_at__lt=now - NOT_SENT_MAIL)
    held = Refund.objects.filter(state=RefundState.PENDING, sent_at__lt=now - HELD_MAIL)
    for row in (unsent | by_hand | held).order_by("created_at"):
        with run.each(f"Refund {row.pk}"):
            _stuck(row, now)
    run.finish()


@transaction.atomic
def _waits(row: Refund, now: datetime) -> None:
    sentence = f"It was asked for {_days(now - row.created_at)} ago, and nobody has decided."
    headline = "A refund still waits for a decision"
    _put(contexts.RefundWaits, row, headline, sentence, step=f"{now.date()}", at=now)


@transaction.atomic
def _stuck(row: Refund, now: datetime) -> None:
    if row.payment.is_by_zelle:
        _stuck_by_zelle(row, now)
        return
    if row.state == RefundState.PENDING:
        since = _days(now - (row.sent_at or row.created_at))
        sentence = f"Stripe has had it for {since} and has not passed it on: look at the balance."
        _in_trouble(row, "Refund still pending", sentence, step=f"pending:{now.date()}")
        return
    sentence = row.problem or "It has not been tried: does the worker run?"
    _in_trouble(row, "Refund not sent yet", sentence, step=f"unsent:{now.date()}")


def _stuck_by_zelle(row: Refund, now: datetime) -> None:
    if row.state == RefundState.PENDING:
        since = _days(now - (row.sent_at or row.created_at))
        sentence = f"It was sent {since} ago, and no file of the account has it. Did it go out?"
        _in_trouble(row, "Refund not on the account", sentence, step=f"pending:{now.date()}")
        return
    sentence = "It's approved, and nobody has sent it by Zelle yet."
    _in_trouble(row, "Refund not sent yet", sentence, step=f"unsent:{now.date()}")


def _were_told(row: Refund) -> bool:
    """Whether a mail asked staff to decide: what still waits to be sent isn't sent anymore."""
    asked = Message.objects.filter(kind=Kind.REFUND_TO_DECIDE, cause__startswith=f"{row.pk}:")
    return asked.exclude(state__in=[MessageState.QUEUED, MessageState.SKIPPED]).exists()


def _failed(moved: RefundMoved) -> None:
    row = moved.refund
    if row.state == RefundState.CANCELED and moved.action != RefundAction.FOUND:
        sentence = "Stripe has canceled it: nothing was sent. The amount is free again."
        _in_trouble(row, "Refund canceled", sentence, step="failed")
    if row.state != RefundState.FAILED:
        return
    why = texts.for_staff(row.failure_reason or "unknown")
    sentence = f"{why} The money is back with us, and the amount is free again."
    happened_at = row.created_at if moved.action == RefundAction.FOUND else None
    _in_trouble(row, "Refund failed", sentence, step="failed", at=happened_at)


def _to_decide(row: Refund, headline: str, sentence: str, *, step: str) -> None:
    _put(contexts.RefundToDecide, row, headline, sentence, step=step)


def _in_trouble(
    row: Refund, headline: str, sentence: str, *, step: str, at: datetime | None = None
) -> None:
    _put(contexts.RefundInTrouble, row, headline, sentence, step=step, at=at)


def _put(
    context: type[contexts.ToStaff],
    row: Refund,
    headline: str,
    sentence: str,
    *,
    step: str,
    at: datetime | None = None,
) -> None:
    user = row.customer.user
    outbox.put_staff(
        context(
            headline=headline,
            sentence=sentence,
            amount=str(row.money),
            member=user.get_full_name() or user.email,
            description=descriptions.of_one(row.payment),
            reason=texts.reason(row.reason),
            words=row.words,
            asked_on=row.created_at,
            url=portal_url("admin:billing_refund_change", row.pk),
        ),
        cause=f"{row.pk}:{step}",
        happened_at=at or timezone.now(),
    )


def _people(row: Refund) -> str:
    if row.approvals_needed > 1:
        return "Two different people must agree to it."
    return "It waits for one of you."


def _by(row: Refund) -> str:
    actor = row.requested_by if row.origin == RefundOrigin.STAFF else None
    return (actor.get_full_name() or actor.get_username()) if actor else "Somebody"


def _days(waited: timedelta) -> str:
    return "a day" if waited.days == 1 else f"{waited.days} days"
