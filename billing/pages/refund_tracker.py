"""The story of one refund for its member: what happened, who acts next, what to expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.urls import reverse
from django.utils import timezone

from billing.core import texts
from billing.core.dates import arrival, goes_out_by, long_date
from billing.core.refund_times import NOT_SENT_PAGE
from billing.core.statuses import REFUND_SETTLED, RefundAction, RefundOrigin, RefundState
from billing.core.tones import Tone
from billing.facts import descriptions
from billing.models import Refund
from billing.pages.refund_facts import CAME_TO_NOTHING, RefundFacts
from billing.refunds import lines, membership_end
from billing.refunds import texts as refund_texts
from common.context import current_brand
from common.money import Money

TEAM, PROVIDER, BANK = "Our team", "Our payment provider", "Your bank"
ASK_AGAIN = "You can ask for it again as long as the payment is refundable."
# How often a waiting page checks again, in seconds.
LOOKS_AGAIN = {
    RefundState.REQUESTED: 15,
    RefundState.APPROVED: 2,
    RefundState.SENDING: 2,
    RefundState.PENDING: 30,
    RefundState.REQUIRES_ACTION: 30,
}


class Stage(StrEnum):
    """The state of a step, in the tracker's terms."""

    DONE = "done"
    NOW = "now"
    NEXT = "next"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """A step in the tracker: what, when, who acts next, and anything else."""

    state: Stage
    title: str
    at: datetime | None = None
    who: str = ""
    text: str = ""


@dataclass(frozen=True)
class RefundPage:
    """A refund in full. `seconds`: when to check again, 0 for never; `stamp`: detects news."""

    pk: int
    amount: Money
    tone: Tone
    label: str
    description: str
    payment_url: str
    steps: list[Step]
    reason: str
    words: str
    method: str
    reference: str
    membership: str
    can_withdraw: bool
    seconds: int
    stamp: str


def page_of(facts: RefundFacts) -> RefundPage:
    """Return the page of a refund, for its member."""
    row = facts.refund
    payment, is_asked = row.payment, row.origin == RefundOrigin.MEMBER
    line = lines.line_of(row)
    invoice = payment.invoice_id
    return RefundPage(
        pk=row.pk,
        amount=row.money,
        tone=line.tone,
        label=line.label,
        description=descriptions.of_payment(payment, facts.names),
        payment_url=reverse("billing:invoice", args=[invoice])
        if invoice
        else reverse("billing:payment", args=[payment.pk]),
        steps=_steps(row, _ended_at(facts.history)),
        reason=refund_texts.reason(row.reason) if is_asked else "",
        words=row.words if is_asked else "",
        method="" if row.was_asked else texts.card(payment.card_brand, payment.card_last4),
        reference=row.reference,
        membership=_membership(facts),
        can_withdraw=is_asked and row.is_undecided,
        seconds=LOOKS_AGAIN.get(RefundState(row.state), 0),
        stamp=f"{len(facts.history)}-{row.reference}",
    )


def _membership(facts: RefundFacts) -> str:
    """Return what happens to the membership, if the member asked for that too."""
    row, ending = facts.refund, facts.ending
    if row.cancels_membership and row.state in CAME_TO_NOTHING:
        return "It continues"
    return membership_end.in_words(row, ending) if ending else ""


def _steps(row: Refund, ended_at: datetime | None) -> list[Step]:
    begun = [_begun(row)]
    if row.origin == RefundOrigin.MEMBER:
        begun.append(_decision(row, ended_at))
    match row.state:
        case RefundState.DENIED | RefundState.WITHDRAWN:
            return begun
        case RefundState.REQUESTED:
            return [*begun, _to_come("We send it"), _to_come("At your bank")]
        case _:
            return [*begun, *_after_approval(row, ended_at)]


def _begun(row: Refund) -> Step:
    if row.origin == RefundOrigin.MEMBER:
        asked = row.money_asked
        return Step(Stage.DONE, f"You asked for {asked}", row.created_at)
    given_at = row.decided_at or row.created_at
    return Step(Stage.DONE, f"We refunded you {row.money}", given_at, TEAM, row.answer)


def _decision(row: Refund, ended_at: datetime | None) -> Step:
    match row.state:
        case RefundState.REQUESTED:
            return _being_decided(row)
        case RefundState.WITHDRAWN:
            return Step(Stage.DONE, "You withdrew your request", ended_at)
        case RefundState.DENIED if row.decided_at is None:
            return Step(Stage.FAILED, "Your request is closed", ended_at, "", row.answer)
        case RefundState.DENIED:
            title = "We did not approve it"
            return Step(Stage.FAILED, title, row.decided_at, TEAM, row.answer)
    less = row.amount < row.amount_asked
    title = f"We approved {row.money} of it" if less else "Approved"
    overtaken = row.state == RefundState.CANCELED and not row.stripe_id
    words = "" if overtaken else row.answer
    who = TEAM if row.decided_by_id else "Approved automatically under our refund policy"
    return Step(Stage.DONE, title, row.decided_at, who, words)


def _being_decided(row: Refund) -> Step:
    news = "We’ll email you our answer. Until then, you can withdraw your request."
    if row.approvals_needed < 2:
        return Step(Stage.NOW, "We’re reviewing it", None, TEAM, news)
    agreed = "One person has approved it. " if row.approvals_given else ""
    title = "Two people on our team are reviewing it"
    return Step(Stage.NOW, title, None, TEAM, f"{agreed}{news}")


def _after_approval(row: Refund, ended_at: datetime | None) -> list[Step]:
    match row.state:
        case RefundState.SUCCEEDED:
            return [_sent(row), _at_bank(row)]
        case RefundState.FAILED:
            return _failed(row)
        case RefundState.CANCELED:
            return [_canceled(row, ended_at)]
        case RefundState.PENDING:
            now = _waiting(row)
        case RefundState.REQUIRES_ACTION:
            now = _to_answer(row)
        case _:
            now = _being_sent(row)
    return [now, _to_come("At your bank")]


def _to_answer(row: Refund) -> Step:
    until = f" You can until {long_date(row.answer_by)}." if row.answer_by else ""
    support = current_brand().support_email
    lost = f"If it is not there, look in your spam folder, or write to us: {support}."
    text = f"{refund_texts.TO_ANSWER}{until} {lost}"
    return Step(Stage.NOW, "We need an answer from you", row.sent_at, "", text)


def _canceled(row: Refund, ended_at: datetime | None) -> Step:
    if not row.stripe_id:
        return Step(Stage.FAILED, "Stopped", ended_at, "", row.answer)
    text = f"{refund_texts.cancellation(was_asked=row.was_asked)} {ASK_AGAIN}"
    return Step(Stage.FAILED, "Canceled", row.read_at, PROVIDER, text)


def _being_sent(row: Refund) -> Step:
    if row.payment.is_by_zelle:
        text = "We’ll send it from our bank by Zelle, usually within a business day."
        return Step(Stage.NOW, "We are sending it", None, TEAM, text)
    since = row.decided_at or row.created_at
    if timezone.now() - since < NOT_SENT_PAGE:
        return Step(Stage.NOW, "We are sending it", None, TEAM, "This takes a few seconds.")
    text = (
        "Our payment provider has not taken it yet. We keep trying by ourselves, and there is "
        "nothing you need to do."
    )
    return Step(Stage.NOW, "We are sending it", None, TEAM, text)


def _sent(row: Refund) -> Step:
    who = TEAM if row.payment.is_by_zelle else PROVIDER
    return Step(Stage.DONE, "Sent", row.sent_at, who)


def _waiting(row: Refund) -> Step:
    if row.payment.is_by_zelle:
        return Step(Stage.NOW, "Sent by Zelle", row.sent_at, TEAM, refund_texts.SENT_BY_ZELLE)
    by = goes_out_by(row.sent_at or row.created_at)
    outlook = f"It usually reaches your bank by {long_date(by)}."
    if timezone.now() > by:
        outlook = "It takes longer than usual: we are looking into it."
    text = f"{refund_texts.wait(row.pending_reason)} {outlook}"
    return Step(Stage.NOW, "Not with your bank yet", row.sent_at, PROVIDER, text)


def _at_bank(row: Refund) -> Step:
    if row.payment.is_by_zelle:
        return Step(Stage.DONE, "At your bank", row.succeeded_at, BANK, refund_texts.ZELLE_LEFT)
    first, last = arrival(row.succeeded_at or row.sent_at or row.created_at)
    if timezone.now() > last:
        text = f"It should have been on your account by {long_date(last)}."
        if row.reference:
            text += " If you can't find it, your bank can look for it by the reference below."
        return Step(Stage.DONE, "At your bank", None, BANK, text)
    when = f"Most banks show it between {long_date(first)} and {long_date(last)}."
    return Step(Stage.NOW, "At your bank", None, BANK, when)


def _failed(row: Refund) -> list[Step]:
    why = refund_texts.failure(row.failure_reason, was_sent=bool(row.stripe_id))
    if row.failure_reason in REFUND_SETTLED:
        return [Step(Stage.FAILED, "Stopped", row.failed_at, "", why)]
    text = f"{why} {refund_texts.WILL_BE_IN_TOUCH} {ASK_AGAIN}"
    if not row.stripe_id:
        return [Step(Stage.FAILED, "It could not be sent", row.failed_at, TEAM, text)]
    return [_sent(row), Step(Stage.FAILED, "It did not arrive", row.failed_at, TEAM, text)]


def _to_come(title: str) -> Step:
    return Step(Stage.NEXT, title)


def _ended_at(history: Sequence[tuple[str, datetime]]) -> datetime | None:
    """Return the time of a step without its own column, from the history."""
    ended = (RefundAction.WITHDRAWN, RefundAction.OVERTAKEN)
    return next((at for action, at in reversed(history) if action in ended), None)
