"""The story of one refund for its member: what happened, who acts next, what to expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

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

TEAM = gettext_lazy("Our team")
PROVIDER = gettext_lazy("Our payment provider")
BANK = gettext_lazy("Your bank")
BY_POLICY = gettext_lazy("Approved automatically under our refund policy")
AT_BANK = gettext_lazy("At your bank")
ASK_AGAIN = gettext_lazy("You can request it again while the payment is refundable.")
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
    title: str | Promise
    at: datetime | None = None
    who: str | Promise = ""
    text: str | Promise = ""


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
        return _("It continues")
    return membership_end.in_words(row, ending) if ending else ""


def _steps(row: Refund, ended_at: datetime | None) -> list[Step]:
    begun = [_begun(row)]
    if row.origin == RefundOrigin.MEMBER:
        begun.append(_decision(row, ended_at))
    match row.state:
        case RefundState.DENIED | RefundState.WITHDRAWN:
            return begun
        case RefundState.REQUESTED:
            return [*begun, _to_come(_("We send it")), _to_come(AT_BANK)]
        case _:
            return [*begun, *_after_approval(row, ended_at)]


def _begun(row: Refund) -> Step:
    if row.origin == RefundOrigin.MEMBER:
        title = _("You requested %(amount)s") % {"amount": row.money_asked}
        return Step(Stage.DONE, title, row.created_at)
    given_at = row.decided_at or row.created_at
    title = _("We refunded you %(amount)s") % {"amount": row.money}
    return Step(Stage.DONE, title, given_at, TEAM, row.answer)


def _decision(row: Refund, ended_at: datetime | None) -> Step:
    match row.state:
        case RefundState.REQUESTED:
            return _being_decided(row)
        case RefundState.WITHDRAWN:
            return Step(Stage.DONE, _("You withdrew your request"), ended_at)
        case RefundState.DENIED if row.decided_at is None:
            return Step(Stage.FAILED, _("Your request is closed"), ended_at, "", row.answer)
        case RefundState.DENIED:
            title = _("We didn’t approve it")
            return Step(Stage.FAILED, title, row.decided_at, TEAM, row.answer)
    less = row.amount < row.amount_asked
    title = _("We approved %(amount)s of it") % {"amount": row.money} if less else _("Approved")
    overtaken = row.state == RefundState.CANCELED and not row.stripe_id
    words = "" if overtaken else row.answer
    who = TEAM if row.decided_by_id else BY_POLICY
    return Step(Stage.DONE, title, row.decided_at, who, words)


def _being_decided(row: Refund) -> Step:
    news = _("We’ll email you our answer. Until then, you can withdraw your request.")
    if row.approvals_needed < 2:
        return Step(Stage.NOW, _("We’re reviewing it"), None, TEAM, news)
    if row.approvals_given:
        news = _(
            "One of them has approved it. We’ll email you our answer. Until then, you can withdraw "
            "your request."
        )
    return Step(Stage.NOW, _("Two people on our team are reviewing it"), None, TEAM, news)


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
    return [now, _to_come(AT_BANK)]


def _to_answer(row: Refund) -> Step:
    by = _("Answer by %(day)s.") % {"day": long_date(row.answer_by)} if row.answer_by else ""
    lost = _("Can’t find it? Check your spam folder, or write to %(support)s.") % {
        "support": current_brand().support_email
    }
    text = " ".join(filter(None, [str(refund_texts.TO_ANSWER), by, lost]))
    return Step(Stage.NOW, _("We need an answer from you"), row.sent_at, "", text)


def _canceled(row: Refund, ended_at: datetime | None) -> Step:
    if not row.stripe_id:
        return Step(Stage.FAILED, _("Stopped"), ended_at, "", row.answer)
    text = f"{refund_texts.cancellation(was_asked=row.was_asked)} {ASK_AGAIN}"
    return Step(Stage.FAILED, _("Canceled"), row.read_at, PROVIDER, text)


def _being_sent(row: Refund) -> Step:
    since = row.decided_at or row.created_at
    if row.payment.is_by_zelle:
        text = _("We’ll send it from our bank by Zelle, usually within a business day.")
    elif timezone.now() - since < NOT_SENT_PAGE:
        text = _("This takes a few seconds.")
    else:
        text = _(
            "Our payment provider hasn’t accepted it yet. We’ll keep trying, and there’s nothing "
            "you need to do."
        )
    return Step(Stage.NOW, _("We’re sending it"), None, TEAM, text)


def _sent(row: Refund) -> Step:
    who = TEAM if row.payment.is_by_zelle else PROVIDER
    return Step(Stage.DONE, _("Sent"), row.sent_at, who)


def _waiting(row: Refund) -> Step:
    if row.payment.is_by_zelle:
        words = refund_texts.SENT_BY_ZELLE
        return Step(Stage.NOW, _("Sent by Zelle"), row.sent_at, TEAM, words)
    by = goes_out_by(row.sent_at or row.created_at)
    outlook = _("It usually reaches your bank by %(day)s.") % {"day": long_date(by)}
    if timezone.now() > by:
        outlook = _("It’s taking longer than usual. We’re looking into it.")
    text = f"{refund_texts.wait(row.pending_reason)} {outlook}"
    return Step(Stage.NOW, _("Not at your bank yet"), row.sent_at, PROVIDER, text)


def _at_bank(row: Refund) -> Step:
    if row.payment.is_by_zelle:
        return Step(Stage.DONE, AT_BANK, row.succeeded_at, BANK, refund_texts.ZELLE_LEFT)
    first, last = arrival(row.succeeded_at or row.sent_at or row.created_at)
    if timezone.now() > last:
        text = _("It should have reached your account by %(day)s.") % {"day": long_date(last)}
        if row.reference:
            where = _("Can’t find it? Your bank can look it up by the reference below.")
            text = f"{text} {where}"
        return Step(Stage.DONE, AT_BANK, None, BANK, text)
    when = _("Most banks show it between %(first)s and %(last)s.") % {
        "first": long_date(first),
        "last": long_date(last),
    }
    return Step(Stage.NOW, AT_BANK, None, BANK, when)


def _failed(row: Refund) -> list[Step]:
    why = refund_texts.failure(row.failure_reason, was_sent=bool(row.stripe_id))
    if row.failure_reason in REFUND_SETTLED:
        return [Step(Stage.FAILED, _("Stopped"), row.failed_at, "", why)]
    text = f"{why} {refund_texts.WILL_BE_IN_TOUCH} {ASK_AGAIN}"
    if not row.stripe_id:
        return [Step(Stage.FAILED, _("It couldn’t be sent"), row.failed_at, TEAM, text)]
    return [_sent(row), Step(Stage.FAILED, _("It didn’t arrive"), row.failed_at, TEAM, text)]


def _to_come(title: str | Promise) -> Step:
    return Step(Stage.NEXT, title)


def _ended_at(history: Sequence[tuple[str, datetime]]) -> datetime | None:
    """Return the time of a step without its own column, from the history."""
    ended = (RefundAction.WITHDRAWN, RefundAction.OVERTAKEN)
    return next((at for action, at in reversed(history) if action in ended), None)
