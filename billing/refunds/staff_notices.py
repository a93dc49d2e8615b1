"""Mails to staff about refunds: what's waiting for them, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

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

# A headline and a sentence, in the active language.
Words = Callable[[], tuple[str, str]]


def announce(moved: RefundMoved) -> None:
    """Announce steps that need staff now, and no others."""
    row = moved.refund
    match moved.action:
        case RefundAction.REQUESTED if row.verdict.get("outcome") != Outcome.AUTOMATIC:
            _to_decide(
                row,
                lambda: (_("A member asks for a refund"), _people(row)),
                step="requested",
            )
        case RefundAction.GIVEN if row.approvals_needed > 1:
            _to_decide(
                row, lambda: (_("A refund needs a second person"), _wanted_by(row)), step="second"
            )
        case RefundAction.APPROVED_FIRST | RefundAction.SECOND_ASKED:
            _to_decide(
                row,
                lambda: (
                    _("A refund needs a second person"),
                    _("One of you has looked at it. Somebody else must agree, too."),
                ),
                step="second",
            )
        case RefundAction.APPROVED if row.payment.is_by_zelle:
            _to_decide(
                row,
                lambda: (
                    _("A refund has to be sent by Zelle"),
                    _("It’s approved. Send it from your bank’s app, and enter its number here."),
                ),
                step="zelle",
            )
        case RefundAction.WITHDRAWN if _were_told(row):
            _put(
                contexts.RefundTakenBack,
                row,
                lambda: (
                    _("Refund request withdrawn"),
                    _("The member withdrew the request. There’s nothing to decide anymore."),
                ),
                step="gone",
            )
        case RefundAction.REFUSED:
            _in_trouble(row, lambda: (_("Refund refused by Stripe"), row.problem), step="failed")
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
    _put(
        contexts.RefundWaits,
        row,
        lambda: (_("A refund still waits for a decision"), _waited(now - row.created_at)),
        step=f"{now.date()}",
        at=now,
    )


@transaction.atomic
def _stuck(row: Refund, now: datetime) -> None:
    if row.payment.is_by_zelle:
        _stuck_by_zelle(row, now)
        return
    if row.state == RefundState.PENDING:
        held = now - (row.sent_at or row.created_at)
        _in_trouble(
            row,
            lambda: (_("Refund still pending"), _held(held)),
            step=f"pending:{now.date()}",
        )
        return
    _in_trouble(
        row,
        lambda: (
            _("Refund not sent yet"),
            row.problem or _("It hasn’t been tried: does the worker run?"),
        ),
        step=f"unsent:{now.date()}",
    )


def _stuck_by_zelle(row: Refund, now: datetime) -> None:
    if row.state == RefundState.PENDING:
        gone = now - (row.sent_at or row.created_at)
        _in_trouble(
            row,
            lambda: (_("Refund not on the account"), _unseen(gone)),
            step=f"pending:{now.date()}",
        )
        return
    _in_trouble(
        row,
        lambda: (
            _("Refund not sent yet"),
            _("It’s approved, and nobody has sent it by Zelle yet."),
        ),
        step=f"unsent:{now.date()}",
    )


def _were_told(row: Refund) -> bool:
    """Whether a mail asked staff to decide: what still waits to be sent isn't sent anymore."""
    asked = Message.objects.filter(kind=Kind.REFUND_TO_DECIDE, cause__startswith=f"{row.pk}:")
    return asked.exclude(state__in=[MessageState.QUEUED, MessageState.SKIPPED]).exists()


def _failed(moved: RefundMoved) -> None:
    row = moved.refund
    if row.state == RefundState.CANCELED and moved.action != RefundAction.FOUND:
        _in_trouble(
            row,
            lambda: (
                _("Refund canceled"),
                _("Stripe has canceled it: nothing was sent. The amount is free again."),
            ),
            step="failed",
        )
    if row.state != RefundState.FAILED:
        return
    happened_at = row.created_at if moved.action == RefundAction.FOUND else None
    _in_trouble(
        row,
        lambda: (
            _("Refund failed"),
            _("%(why)s The money is back with us, and the amount is free again.")
            % {"why": texts.for_staff(row.failure_reason or "unknown")},
        ),
        step="failed",
        at=happened_at,
    )


def _to_decide(row: Refund, words: Words, *, step: str) -> None:
    _put(contexts.RefundToDecide, row, words, step=step)


def _in_trouble(row: Refund, words: Words, *, step: str, at: datetime | None = None) -> None:
    _put(contexts.RefundInTrouble, row, words, step=step, at=at)


def _put(
    context: type[contexts.ToStaff],
    row: Refund,
    words: Words,
    *,
    step: str,
    at: datetime | None = None,
) -> None:
    user = row.customer.user

    def say() -> contexts.ToStaff:
        headline, sentence = words()
        return context(
            headline=headline,
            sentence=sentence,
            amount=str(row.money),
            member=user.get_full_name() or user.email,
            description=descriptions.of_one(row.payment),
            reason=texts.reason(row.reason),
            words=row.words,
            asked_on=row.created_at,
            url=portal_url("admin:billing_refund_change", row.pk),
        )

    outbox.put_staff(
        say,
        cause=f"{row.pk}:{step}",
        happened_at=at or timezone.now(),
    )


def _people(row: Refund) -> str:
    if row.approvals_needed > 1:
        return _("Two different people must agree to it.")
    return _("It waits for one of you.")


def _wanted_by(row: Refund) -> str:
    actor = row.requested_by if row.origin == RefundOrigin.STAFF else None
    if actor is None:
        return _("Somebody wants to refund this. Somebody else must agree, too.")
    return _("%(name)s wants to refund this. Somebody else must agree, too.") % {
        "name": actor.get_full_name() or actor.get_username()
    }


def _waited(time: timedelta) -> str:
    words = ngettext(
        "It was asked for a day ago, and nobody has decided.",
        "It was asked for %(count)s days ago, and nobody has decided.",
        time.days,
    )
    return words % {"count": time.days}


def _held(time: timedelta) -> str:
    words = ngettext(
        "Stripe has had it for a day and hasn’t passed it on: look at the balance.",
        "Stripe has had it for %(count)s days and hasn’t passed it on: look at the balance.",
        time.days,
    )
    return words % {"count": time.days}


def _unseen(time: timedelta) -> str:
    words = ngettext(
        "It was sent a day ago, and no file of the account has it. Did it go out?",
        "It was sent %(count)s days ago, and no file of the account has it. Did it go out?",
        time.days,
    )
    return words % {"count": time.days}
