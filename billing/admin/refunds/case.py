"""Everything needed to decide on a refund, read for one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.utils.safestring import SafeString

from billing.admin import labels
from billing.admin.stripe_links import has_stripe_dashboard, stripe_url
from billing.core import texts
from billing.core.statuses import (
    REFUND_TO_SEND,
    REFUND_VOID,
    PaymentStatus,
    RefundAction,
    RefundState,
)
from billing.facts import descriptions, disputes, memberships
from billing.models import Payment, Refund, RefundEntry
from billing.refunds import ledger_texts, membership_end
from billing.refunds import notices as refund_notices
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds import texts as refund_texts
from billing.refunds.membership_end import Ending
from billing.refunds.policy import Facts
from common.money import Money
from common.staff import show
from emails.models import Message, MessageState

SHOWN = 12
CREDITED = "became credit when the member switched"
OVERDUE_WORDS = "Approved and not sent yet. The worker tries it again every hour."
TONES = {
    RefundAction.DENIED: "danger",
    RefundAction.REFUSED: "danger",
    RefundAction.REOPENED: "danger",
    RefundAction.APPROVED: "success",
    RefundAction.APPROVED_BY_POLICY: "success",
    RefundAction.APPROVED_FIRST: "info",
    RefundAction.REQUESTED: "warning",
    RefundAction.GIVEN: "warning",
}
MESSAGE_TONES = {
    MessageState.SENT: "success",
    MessageState.DELIVERED: "success",
    MessageState.FAILED: "danger",
}


@dataclass(frozen=True)
class Fact:
    """A label and a value."""

    label: str
    value: SafeString | str


@dataclass(frozen=True)
class Step:
    """A ledger entry as a step in the story."""

    number: int
    what: str
    who: str
    when: SafeString
    amount: str
    words: str
    tone: str


@dataclass(frozen=True)
class Line:
    """Another refund of this member's, or a message to them."""

    url: str
    title: str
    badge: SafeString
    detail: str
    is_this: bool = False


@dataclass(frozen=True)
class Case:
    """A refund with everything around it."""

    headline: str
    state: SafeString
    progress: str
    problem: str
    words: str
    answer: str
    reasons: list[str]
    request: list[Fact]
    payment: list[Fact]
    member: list[Fact]
    steps: list[Step]
    others: list[Line]
    messages: list[Line]
    all_messages: str
    stripe_url: str


def case_of(row: Refund) -> Case:
    """Read everything about a refund."""
    # What's left includes a decision that was made, and excludes one that's pending.
    facts = refund_terms.facts_of(row.payment)
    if row.is_undecided:
        facts = refund_terms.without(facts, row)
    credited = refund_terms.credited_of([row.payment])
    return Case(
        headline=f"{row.money} for {show.name_of(row.customer.user)}",
        state=show.state(row, "state", labels.REFUND),
        progress=progress(row),
        problem=_problem(row),
        words=row.words,
        answer=row.answer,
        reasons=list(row.verdict.get("reasons", [])),
        request=[*_request(row), *(rule_of_two([facts], credited) if row.is_undecided else [])],
        payment=_payment(row, facts, credited),
        member=_member(row),
        steps=[_step(entry) for entry in _entries_of(row)],
        others=_others(row),
        messages=_messages(row),
        all_messages=show.list_of("emails.message", user__id__exact=row.customer.user_id),
        stripe_url=_stripe_url(row),
    )


def progress(row: Refund) -> str:
    """ "1 of 2 approved" while a refund waits for a second person; otherwise nothing."""
    if not row.is_undecided or row.approvals_needed < refunds.TWO:
        return ""
    return f"{row.approvals_given} of {row.approvals_needed} approved"


def summary(row: Refund) -> list[Fact]:
    """Return the text above a dialog's fields."""
    facts = refund_terms.facts_beside(row)
    credited = refund_terms.credited_of([row.payment])
    return [
        Fact("Member", show.name_of(row.customer.user)),
        Fact("Asked for", str(row.money_asked)),
        Fact("For", descriptions.of_one(row.payment)),
        *([Fact("Wants to leave", _leaving(row))] if row.cancels_membership else []),
        Fact("Left of the payment", left_of(facts, credited)),
        *([Fact("Approvals", progress(row))] if progress(row) else []),
        *rule_of_two([facts], credited),
    ]


def left_of(facts: Facts, credited: int) -> str:
    """Return "$5.91; $23.09 became credit when the member switched" (minor units)."""
    left = str(Money(facts.left, facts.currency))
    return f"{left}; {Money(credited, facts.currency)} {CREDITED}" if credited else left


def rule_of_two(facts: Sequence[Facts], credited: int = 0) -> list[Fact]:
    """Say from which amount two people must approve, for payments refunded together.

    All of their refunds count, so splitting doesn't help. What a switch `credited` (minor units)
    counts too, although it isn't a refund. Empty if one person is enough.
    """
    policy = refund_terms.rules_of(refund_terms.current_policy())
    limits = [policy.rule(one.kind).two_people_from for one in facts]
    known = [one for one in limits if one is not None]
    if not known:
        return []
    currency = facts[0].currency
    if currency.lower() != policy.currency:
        return [Fact("Two people", "For any amount: the policy is in another currency.")]
    limit, committed = min(known), sum(one.committed for one in facts)
    counted = "refunds and credit" if credited else "refunds"
    start = f"At {Money(limit, currency)} or more, all {counted} of a payment counted together"
    if not committed:
        return [Fact("Two people", f"{start}.")]
    now = Money(max(1, limit - committed), currency)
    so_far = f"{Money(committed, currency)} so far"
    if credited:
        so_far += f" ({Money(credited, currency)} {CREDITED})"
    return [Fact("Two people", f"{start}. {so_far}, so now at {now} or more.")]


def refunds_of(rows: QuerySet[Refund]) -> SafeString | str:
    """Return links to refunds, for related pages."""
    return show.links(
        [
            (show.page_of(one), f"{one.money}, {one.get_state_display().lower()}")
            for one in rows.order_by("-pk")[:SHOWN]
        ]
    )


def _problem(row: Refund) -> str:
    if row.problem or row.state not in REFUND_TO_SEND:
        return row.problem
    is_late = Refund.objects.not_sent().filter(pk=row.pk).exists()
    return OVERDUE_WORDS if is_late else ""


def _leaving(row: Refund) -> str:
    """Return what happens to the membership if the member leaves with the refund."""
    if not row.cancels_membership:
        return ""
    subscription = row.payment.membership
    which = f" ({subscription.name})" if subscription and subscription.name else ""
    if not row.is_undecided:
        return f"Yes: the membership{which} ends too"
    ending = membership_end.of_refund(row)
    when = "at once" if ending == Ending.AT_ONCE else f"with its period{ending.why}"
    planned = labels.planned(subscription) if subscription else ""
    dropped = f". What’s planned is dropped: {planned}" if planned else ""
    return f"Yes: the membership{which} ends too, {when}{dropped}"


def _request(row: Refund) -> list[Fact]:
    version = f"version {row.policy.version}" if row.policy else ""
    is_by_zelle = row.payment.is_by_zelle
    shown = [
        ("Asked for", str(row.money_asked)),
        ("Approved" if row.decided_at and row.amount < row.amount_asked else "", str(row.money)),
        ("Reason", row.get_reason_display() if row.reason else ""),
        ("Source", _origin(row)),
        ("Asked", show.moment(row.created_at)),
        ("Wants to leave", _leaving(row)),
        ("Approvals needed", _people(row)),
        ("First approval", show.name_of(row.first_approved_by) if row.first_approved_by else ""),
        ("Decided", _decided(row)),
        (
            "Sent by Zelle" if is_by_zelle else "Sent to Stripe",
            show.moment(row.sent_at) if row.sent_at else "",
        ),
        ("Zelle number" if is_by_zelle else "Arrives by number", row.reference),
        ("Stripe's reason", refund_texts.for_staff(row.failure_reason)),
        ("Policy", show.link(row.policy, version.capitalize()) if row.policy else ""),
        ("Credit note", row.credit_note_id),
    ]
    return [Fact(label, value) for label, value in shown if label and value]


def _origin(row: Refund) -> str:
    by = f": {show.name_of(row.requested_by)}" if row.requested_by else ""
    return {
        "member": "The member's request",
        "staff": f"Staff, without a request{by}",
        "stripe": "Stripe's dashboard",
    }[row.origin]


def _people(row: Refund) -> str:
    if row.approvals_needed == 0:
        return "None, approved under the policy" if row.policy else ""
    return str(row.approvals_needed)


def _decided(row: Refund) -> str:
    if not row.decided_at:
        return ""
    who = show.name_of(row.decided_by) if row.decided_by else "the policy"
    return f"By {who}, {show.moment(row.decided_at)}"


def _payment(row: Refund, facts: Facts, credited: int) -> list[Fact]:
    payment = row.payment
    is_counted = facts.committed and not row.is_undecided and row.state not in REFUND_VOID
    others = facts.committed - credited - (row.amount if is_counted else 0)
    paid_on = f"{payment.money} on {show.day(payment.created_at)}"
    shown: list[tuple[str, Any]] = [
        ("Payment", show.link(payment, paid_on)),
        ("For", descriptions.of_one(payment)),
        ("Paid", show.moment(payment.paid_at) if payment.paid_at else _unpaid(payment)),
        ("Paid with", texts.card(payment.card_brand, payment.card_last4)),
        ("Invoice", show.link(payment.invoice) if payment.invoice else ""),
        ("Other refunds of it", show.money_or_dash(max(0, others), row.currency)),
        ("Left to refund", left_of(facts, credited)),
        ("Dispute", _disputes(payment)),
    ]
    return [Fact(label, value) for label, value in shown if value]


def _unpaid(payment: Payment) -> str:
    return "" if payment.status == PaymentStatus.SUCCEEDED else payment.get_status_display()


def _disputes(payment: Payment) -> SafeString | str:
    disputed = list(payment.disputes.all()[:SHOWN])
    if not disputed:
        return "None"
    running = disputes.open_disputes(payment).exists()
    note = "nothing can be refunded while it runs" if running else "decided"
    pairs = [(show.page_of(one), f"{one.get_status_display()} ({note})") for one in disputed]
    return show.links(pairs)


def _member(row: Refund) -> list[Fact]:
    customer, user = row.customer, row.customer.user
    live = memberships.latest(user)
    membership = show.badge(*labels.subscription(live)) if live else "No membership"
    return [
        Fact("Member", show.member(user)),
        Fact("Email", user.email),
        Fact("Membership", show.link(live, live.get_status_display()) if live else membership),
        Fact("With us since", show.moment(user.date_joined)),
        Fact("Everything of theirs", show.link(customer, "Payments, invoices, events")),
    ]


def _entries_of(row: Refund) -> QuerySet[RefundEntry]:
    return row.entries.order_by("number").select_related("actor").prefetch_related("texts")


def _step(entry: RefundEntry) -> Step:
    return Step(
        number=entry.number,
        what=labels.REFUND_STEPS.get(entry.action, entry.get_action_display()),
        who=ledger_texts.actor_name(entry),
        when=show.when(entry.at),
        amount=str(entry.money),
        words=said(entry),
        tone=TONES.get(RefundAction(entry.action))
        or labels.REFUND.get(RefundState(entry.to_state), ""),
    )


# The meaning of Stripe's terms for a refund.
CAME_TO = {
    RefundState.PENDING: "Stripe holds it back for now.",
    RefundState.REQUIRES_ACTION: "Stripe waits for the member.",
    RefundState.SUCCEEDED: "The member's bank has it.",
    RefundState.FAILED: "The member's bank sent it back.",
    RefundState.CANCELED: "It was canceled at Stripe.",
}


def said(entry: RefundEntry) -> str:
    """Return a step's words: people's unchanged, Stripe's translated into ours."""
    words = ledger_texts.words(entry)
    if entry.action == RefundAction.STRIPE:
        state = CAME_TO[RefundState(entry.to_state)]
        return f"{state} {refund_texts.for_staff(words)}".strip()
    if entry.action in (RefundAction.FOUND, RefundAction.REOPENED):
        return refund_texts.for_staff(words)
    if entry.action in (RefundAction.REQUESTED, RefundAction.GIVEN):
        return ledger_texts.asked_words(words)
    return words


def _others(row: Refund) -> list[Line]:
    others = row.customer.refunds.select_related("payment").order_by("-created_at", "-pk")[:SHOWN]
    return [
        Line(
            show.page_of(one),
            f"{one.money} of {one.payment.money}",
            show.state(one, "state", labels.REFUND),
            show.day(one.created_at),
            is_this=one.pk == row.pk,
        )
        for one in others
    ]


def _messages(row: Refund) -> list[Line]:
    """Return the messages to the member about this very refund, including resent ones."""
    causes = refund_notices.causes_of(row)
    messages = Message.objects.filter(
        causes | models.Q(resend_of__in=Message.objects.filter(causes)), user=row.customer.user_id
    )
    return [
        Line(
            show.page_of(one),
            one.subject or one.kind.replace("_", " ").capitalize(),
            show.badge(one.get_state_display(), MESSAGE_TONES.get(MessageState(one.state), "info")),
            f"{one.get_channel_display()}, {show.age(one.created_at)}",
        )
        for one in messages[:SHOWN]
    ]


def _stripe_url(row: Refund) -> str:
    if not has_stripe_dashboard():
        return ""
    return stripe_url("payments", row.payment.stripe_id)
