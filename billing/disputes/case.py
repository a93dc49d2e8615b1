"""A dispute's case: every relevant record of its member, and how its texts write values.

All times are UTC, so banks and card networks can compare them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db.models import QuerySet

from billing.core.statuses import DecisionState, PaymentStatus
from billing.models import Dispute, Invoice, MembershipDecision, Payment, Refund, Subscription
from emails import reading
from emails.models import Message, MessageState
from members.models import SignIn, TermsAcceptance

# Limits for someone who signs in ten times a day for years, or a runaway message.
MOST_RECORDS = 2000
DELIVERY = {
    MessageState.QUEUED: "Not sent yet",
    MessageState.SENDING: "Being sent",
    MessageState.SENT: "Accepted for delivery",
    MessageState.DELIVERED: "Delivered",
    MessageState.FAILED: "Not delivered",
}


@dataclass(frozen=True)
class Case:
    """A dispute and every relevant record; lists are newest first."""

    dispute: Dispute
    subscriptions: list[Subscription]
    invoices: list[Invoice]
    payments: list[Payment]
    decisions: list[MembershipDecision]
    refunds: list[Refund]
    messages: list[Message]
    sign_ins: list[SignIn]
    terms: list[TermsAcceptance]
    is_verified: bool  # whether the email address was verified by a code

    @property
    def payment(self) -> Payment:
        """The disputed payment."""
        return self.dispute.payment

    @property
    def user(self) -> User:
        """Its member."""
        return self.dispute.customer.user

    @property
    def paid_at(self) -> datetime:
        """When the disputed payment was made."""
        return self.payment.paid_at or self.payment.created_at

    @property
    def earlier(self) -> list[Payment]:
        """Earlier undisputed payments with the same card."""
        return [
            row
            for row in self.payments
            if row.paid_at
            and row.paid_at < self.paid_at
            and row.status == PaymentStatus.SUCCEEDED
            and (row.card_brand, row.card_last4)
            == (self.payment.card_brand, self.payment.card_last4)
            and not row.disputes.all()
        ]


def gather(dispute: Dispute) -> Case:
    """Return everything on record about a dispute's member."""
    user = dispute.customer.user
    payments = Payment.objects.for_user(user).prefetch_related("disputes")
    invoices = Invoice.objects.for_user(user).select_related("subscription").exclude(number="")
    return Case(
        dispute=dispute,
        subscriptions=list(Subscription.objects.for_user(user)),
        invoices=list(invoices[:MOST_RECORDS]),
        payments=list(payments.select_related("invoice__subscription")[:MOST_RECORDS]),
        decisions=list(
            MembershipDecision.objects.for_user(user).exclude(state=DecisionState.FAILED)
        ),
        refunds=list(Refund.objects.for_user(user).select_related("payment")),
        messages=list(_written_to(user)[:MOST_RECORDS]),
        sign_ins=list(SignIn.objects.filter(user=user)[:MOST_RECORDS]),
        terms=list(TermsAcceptance.objects.filter(user=user)),
        is_verified=EmailAddress.objects.filter(user=user, verified=True).exists(),
    )


def _written_to(user: User) -> QuerySet[Message]:
    """Return what was sent, or is still to be; what wasn't needed or wanted never was."""
    rows = Message.objects.filter(user=user).exclude(state=MessageState.SKIPPED)
    return reading.with_texts(rows)


def day(at: datetime | None) -> str:
    """Return a date: "November 4, 2026"."""
    return f"{at.astimezone(UTC):%B %-d, %Y}" if at else ""


def moment(at: datetime | None) -> str:
    """Return a date and time: "Nov 4, 2026, 10:01 UTC"."""
    return f"{at.astimezone(UTC):%b %-d, %Y, %H:%M} UTC" if at else ""


def name_of(user: User) -> str:
    """Return the member's name, or else their address."""
    return user.get_full_name() or user.email or "The member"


def delivery(message: Message) -> str:
    """Return what's known about a message's delivery."""
    words = DELIVERY[MessageState(message.state)]
    at = message.delivered_at or message.sent_at
    status = f" ({message.provider_status})" if message.provider_status else ""
    return f"{words}{status}{f', {moment(at)}' if at else ''}"


def subject(message: Message) -> str:
    """Return a message's subject, without anything secret."""
    return message.subject or message.kind.replace("_", " ").capitalize()


def terms_before_payment(case: Case) -> TermsAcceptance | None:
    """Return the last terms the member agreed to before the payment."""
    return next((row for row in case.terms if row.happened_at <= case.paid_at), None)
