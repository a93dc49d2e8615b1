"""What the pages of an answer to a dispute show: the case, what's sent, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from billing.admin import labels
from billing.core import dispute_evidence, texts
from billing.core.dispute_evidence import FILES, TEXTS
from billing.core.statuses import AnswerState
from billing.disputes import answers
from billing.facts import descriptions
from billing.models import Dispute, DisputeAnswer, EvidenceFile
from common.staff import show

FILE_PAGE = "billing_dispute_file"
URGENT, SOON = timedelta(days=3), timedelta(days=7)
STATES = {
    AnswerState.DRAFT: "",
    AnswerState.SENDING: "warning",
    AnswerState.SENT: "success",
    AnswerState.ACCEPTING: "warning",
    AnswerState.ACCEPTED: "info",
}
NAMES = {
    AnswerState.DRAFT: "Draft",
    AnswerState.SENDING: "Being sent",
    AnswerState.SENT: "Sent to the bank",
    AnswerState.ACCEPTING: "Being accepted",
    AnswerState.ACCEPTED: "Accepted",
}
LEFT = "The member closed their account: their name, address, and messages are deleted here."


@dataclass(frozen=True)
class Case:
    """The dispute above the form and above the last look."""

    who: SafeString | str
    lead: str
    reason: str
    status: SafeString
    deadline: SafeString | str
    facts: list[tuple[str, SafeString | str]]
    note: str


@dataclass(frozen=True)
class ShownFile:
    """A file of an answer."""

    label: str
    name: str
    detail: str
    url: str


@dataclass(frozen=True)
class Contents:
    """All that goes to the bank, or went."""

    texts: list[tuple[str, str]]
    files: list[ShownFile]
    sums: str
    problems: list[str]

    @property
    def is_empty(self) -> bool:
        """Whether there's nothing to send."""
        return not (self.texts or self.files)


def case_of(dispute: Dispute) -> Case:
    """Return what's asked, by whom, and until when."""
    payment, user = dispute.payment, dispute.customer.user
    of_all = f" of {payment.money}" if dispute.money != payment.money else ""
    lead = (
        f"{dispute.money}{of_all} for {descriptions.of_one(payment)}, paid on "
        f"{show.day(payment.paid_at or payment.created_at)}"
    )
    return Case(
        who=show.member(user),
        lead=lead,
        reason=texts.dispute_reason(dispute.reason),
        status=show.badge(labels.dispute(dispute), labels.DISPUTE.get(dispute.status, "")),
        deadline=deadline(dispute),
        facts=[
            ("Card", texts.card(payment.card_brand, payment.card_last4) or show.NOTHING),
            ("Payment", show.link(payment, str(payment.money))),
            ("Invoice", show.link(payment.invoice)),
        ],
        note=LEFT if dispute.customer.closed_at else "",
    )


def deadline(dispute: Dispute) -> SafeString | str:
    """Return the time left and the date, colored if it's near."""
    due = dispute.evidence_due_at
    if not (dispute.needs_response and due):
        return ""
    left = due - timezone.now()
    if left <= timedelta(0):
        return show.badge("The time is over", "danger")
    tone = "danger" if left < URGENT else "warning" if left < SOON else "info"
    return show.badge(f"{show.time_left(due)} left, until {show.day(due)}", tone)


def contents_of(answer: DisputeAnswer) -> Contents:
    """Return all of an answer, in the order of the form."""
    files = list(answer.files.named())
    sent = {name: answer.texts[name] for name in TEXTS if answer.texts.get(name)}
    count = show.number(dispute_evidence.characters(sent))
    pages, size = sum(one.pages for one in files), sum(one.size for one in files)
    order = list(FILES)
    return Contents(
        texts=[(TEXTS[name].label, text) for name, text in sent.items()],
        files=[
            _shown(answer, one) for one in sorted(files, key=lambda one: order.index(one.field))
        ],
        sums=(
            f"{count} characters and {show.count(len(files), 'file')} with "
            f"{show.count(pages, 'page')} and {_size(size)}"
        ),
        problems=answers.problems_of(answer.dispute, sent, files) if answer.is_draft else [],
    )


def _shown(answer: DisputeAnswer, file: EvidenceFile) -> ShownFile:
    made = ", made from our records" if file.is_ours else ""
    return ShownFile(
        label=FILES[file.field],
        name=file.name,
        detail=f"{show.count(file.pages, 'page')}, {_size(file.size)}{made}",
        url=reverse(f"admin:{FILE_PAGE}", args=[answer.dispute_id, file.pk]),
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{max(1, count // 1000)} kB"


def state_of(answer: DisputeAnswer) -> SafeString:
    """Return the state as a badge."""
    state = AnswerState(answer.state)
    return show.badge(NAMES[state], STATES[state])


def story_of(answer: DisputeAnswer) -> Iterator[str]:
    """Say who did what with it, a sentence each."""
    edited = show.moment(answer.edited_at)
    if answer.texts or answer.is_draft:
        yield f"Written by {show.name_of(answer.edited_by)}, {edited}."
    if answer.state == AnswerState.SENT:
        yield f"Sent to the bank by {show.name_of(answer.asked_by)}, {show.moment(answer.done_at)}."
    elif answer.state == AnswerState.ACCEPTED:
        yield f"Accepted by {show.name_of(answer.asked_by)}, {show.moment(answer.done_at)}."
    elif answer.is_under_way:
        yield f"{show.name_of(answer.asked_by)} pressed the button, {show.moment(answer.asked_at)}."
