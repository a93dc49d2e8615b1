"""What a timeline says about each kind of row. Pure: no queries; relations are read before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from billing.admin import labels
from billing.core import fraud_texts, texts
from billing.models import (
    Dispute,
    FraudWarning,
    Invoice,
    MembershipDecision,
    Payment,
    PaymentRequest,
    RefundEntry,
    StripeEvent,
)
from common.staff import changes, show
from emails import admin as messages
from emails import names, resending
from emails.models import Message
from members.display import device
from members.models import (
    AccessChange,
    AccountActivity,
    SignIn,
    SmsConsentRecord,
    TermsAcceptance,
)
from portal.models import MemberViewing, StaffNote, SupportMessage


class Topic(StrEnum):
    """What a timeline can be narrowed to; the value is in the page's address."""

    MONEY = "money"
    REFUNDS = "refunds"
    MEMBERSHIP = "membership"
    MESSAGES = "messages"
    ACCOUNT = "account"
    NOTES = "notes"
    STAFF = "staff"
    STRIPE = "stripe"


TOPICS: dict[Topic, str] = {
    Topic.MONEY: "Invoices and payments",
    Topic.REFUNDS: "Refunds and disputes",
    Topic.MEMBERSHIP: "Membership",
    Topic.MESSAGES: "Messages",
    Topic.ACCOUNT: "Account",
    Topic.NOTES: "Notes",
    Topic.STAFF: "Staff",
    Topic.STRIPE: "Webhooks",
}


@dataclass(frozen=True)
class Entry:
    """One line. `by` is who did it, if that says more than the member; `tone` is the badge's.

    `resend_url` leads to the question whether to send a message again, if that's possible at all.
    """

    title: str
    detail: str = ""
    by: str = ""
    badge: str = ""
    tone: str = ""
    resend_url: str = ""


def invoice(row: Invoice) -> Entry:
    """An invoice, in the state it's in now."""
    badge, tone = labels.invoice(row)
    number = f"Invoice {row.number}" if row.number else "Invoice"
    return Entry(f"{number} over {row.money}", badge=badge, tone=tone)


def payment(row: Payment) -> Entry:
    """A payment or a failed try."""
    badge, tone = labels.payment(row)
    card = texts.card(row.card_brand, row.card_last4)
    problem = texts.failure(row.failure_code, row.card_brand) if row.failure_code else ""
    detail = " ".join(one for one in (card and f"{card}.", problem) if one)
    return Entry(f"Payment of {row.money}", detail, badge=badge, tone=tone)


def request(row: PaymentRequest) -> Entry:
    """A payment that staff asked for."""
    badge, tone = _state(row, "state", labels.REQUEST)
    return Entry(f"Asked to pay {row.price}", row.description, badge=badge, tone=tone)


def refund(row: RefundEntry) -> Entry:
    """A step of a refund."""
    title = f"Refund of {row.money}: {labels.REFUND_STEPS.get(row.action, row.action)}"
    state, tone = _state(row, "to_state", labels.REFUND)
    by = show.name_of(row.actor) if row.actor else ""
    return Entry(title, by=by, badge=state, tone=tone)


def dispute(row: Dispute) -> Entry:
    """A payment that the member's bank asks about, or takes back."""
    what = "The bank asks about" if row.is_inquiry else "The bank disputes"
    reason = texts.dispute_reason(row.reason)
    tone = labels.DISPUTE.get(row.status, "")
    return Entry(f"{what} {row.money}", reason, badge=labels.dispute(row), tone=tone)


def fraud_warning(row: FraudWarning) -> Entry:
    """A payment that its card's bank reports as fraud."""
    badge, tone = labels.fraud_warning(row)
    note = f"Left as it is: {row.left_because}" if row.left_at else ""
    detail = " ".join(one for one in (fraud_texts.report(row.fraud_type), note) if one)
    by = show.name_of(row.left_by) if row.left_by else ""
    return Entry(f"The bank reports {row.payment.money} as fraud", detail, by, badge, tone)


def decision(row: MembershipDecision) -> Entry:
    """What somebody decided about the membership."""
    reason = str(row.get_reason_display()) if row.reason else ""
    detail = ". ".join(one for one in (reason, row.comment) if one)
    state, tone = _state(row, "state", labels.DECISION)
    title = f"Membership: {labels.decided(row).lower()}"
    return Entry(title, detail, show.name_of(row.actor), state, tone)


def message(row: Message) -> Entry:
    """An email or a text to the member."""
    title = f"{row.get_channel_display()}: {names.name_of(row.kind)}"
    state, tone = _state(row, "state", messages.LABELS)
    by = show.name_of(row.resent_by) if row.resent_by else ""
    again = "" if resending.is_under_way_or_gone(row) else _resend(row)
    return Entry(title, row.error or row.recipient, by, state, tone, again)


def _resend(row: Message) -> str:
    return reverse("admin:emails_message_resend", args=[row.pk])


def support(row: SupportMessage) -> Entry:
    """What the member wrote on the help page, or texted."""
    answered = row.answered_at is not None
    by = show.name_of(row.answered_by) if row.answered_by else ""
    badge, tone = ("Answered", "success") if answered else ("To answer", "warning")
    title = "Texted us" if row.phone else "Wrote on the help page"
    return Entry(title, row.words, by, badge, tone)


def sign_in(row: SignIn) -> Entry:
    """A sign-in."""
    where = ", ".join(one for one in (device(row.user_agent), row.ip, row.method) if one)
    return Entry("Signed in", where)


def activity(row: AccountActivity) -> Entry:
    """A change of the account or the membership."""
    where = ", ".join(one for one in (row.detail, device(row.user_agent), row.ip or "") if one)
    return Entry(row.get_kind_display(), where, by=row.get_by_display())


def access(row: AccessChange) -> Entry:
    """A change of what the account may do."""
    by = show.name_of(row.actor) if row.actor else row.get_origin_display()
    return Entry("Access changed", row.what, by)


def consent(row: SmsConsentRecord) -> Entry:
    """A yes or no to text messages."""
    title = "Agreed to text messages" if row.agreed else "Stopped text messages"
    return Entry(title, f"{row.phone} {row.get_source_display()}".strip())


def terms(row: TermsAcceptance) -> Entry:
    """A yes to the terms."""
    return Entry(f"Agreed to the terms of {row.version}", row.get_where_display())


def note(row: StaffNote) -> Entry:
    """What staff wrote down; the words of a removed one are on its own page."""
    by = show.name_of(row.author) if row.author else ""
    if row.removed_at is None:
        return Entry("Note", row.words, by)
    remover = f"by {show.name_of(row.removed_by)} " if row.removed_by else ""
    return Entry("Note", f"Removed {remover}on {show.day(row.removed_at)}", by, "Removed")


def viewing(row: MemberViewing) -> Entry:
    """Staff who looked at the portal as the member."""
    by = show.name_of(row.viewer) if row.viewer else ""
    if row.ended_at:
        detail = f"Until {timezone.localtime(row.ended_at):%H:%M}"
    else:
        detail = f"Until {timezone.localtime(row.ends_at):%H:%M} at the latest"
    return Entry("Viewed the portal as this member", detail, by)


def staff(row: LogEntry) -> Entry:
    """What staff did on the member's page."""
    return Entry("Changed by staff", changes.said(row), show.name_of(row.user))


def event(row: StripeEvent) -> Entry:
    """An event of Stripe's."""
    state, tone = _state(row, "state", labels.EVENT)
    return Entry(row.type, row.object_id, badge=state, tone=tone)


def _state(row: Model, field: str, colors: show.Labels) -> tuple[str, str]:
    """Return the label and color of a row's state."""
    value = str(getattr(row, field))
    return str(getattr(row, f"get_{field}_display")()), colors.get(value, "")
