"""What we know about a disputed payment and its payer, in the order a bank reads it.

Everything starts from the dispute's member. This module writes the texts; the document only
typesets them. All times are UTC, so banks and card networks can compare them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import User

from billing.core import texts
from billing.core.statuses import DecisionState, MembershipAction, PaymentStatus, RefundOrigin
from billing.facts import descriptions, taxes
from billing.models import Dispute, Invoice, MembershipDecision, Payment, Refund, Subscription
from common.money import Money
from emails.catalog import Kind
from emails.models import Channel, Message, MessageState
from members.display import device
from members.models import SignIn, TermsAcceptance

# The document's tables show this many of the newest rows; the files next to it have all.
MOST_ROWS = 40
# Limits for someone who signs in ten times a day for years, or a runaway message.
MOST_RECORDS = 2000
ENDS = frozenset({MembershipAction.CANCEL, MembershipAction.CANCEL_NOW})
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
        messages=list(Message.objects.filter(user=user)[:MOST_RECORDS]),
        sign_ins=list(SignIn.objects.filter(user=user)[:MOST_RECORDS]),
        terms=list(TermsAcceptance.objects.filter(user=user)),
        is_verified=EmailAddress.objects.filter(user=user, verified=True).exists(),
    )


def content(case: Case) -> dict[str, Any]:
    """Return the content of `templates/documents/evidence.typ`."""
    return {
        "title": f"Payment of {money(case.payment.amount, case.payment.currency)} "
        f"on {day(case.paid_at)}",
        "narrative": list(narrative(case)),
        "member": _member(case),
        "payment": _payment(case),
        "lines": _lines(case),
        "sections": [section for section in _sections(case) if section["rows"]],
    }


def money(amount: int, currency: str) -> str:
    """Return an amount as text."""
    return str(Money(amount, currency))


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


def narrative(case: Case) -> Iterator[str]:
    """Describe in plain sentences what happened, as far as it's on record."""
    who = name_of(case.user)
    proven = " and proved the e-mail address by a code sent to it" if case.is_verified else ""
    joined, brand = day(case.user.date_joined), settings.BRAND_NAME
    yield f"{who} opened an account with {brand} on {joined}{proven}."
    if terms := _terms_before(case):
        ip = f" from the address {terms.ip}" if terms.ip else ""
        yield (
            f"On {day(terms.happened_at)}, they agreed to our terms (version {terms.version}){ip}."
        )
    card = texts.card(case.payment.card_brand, case.payment.card_last4)
    amount = money(case.payment.amount, case.payment.currency)
    by = f" with the card {card}" if card else ""
    yield f"On {day(case.paid_at)}, {amount} was paid{by} for: {descriptions.of_one(case.payment)}."
    yield from _earlier_sentences(case)
    yield from _use_sentences(case)
    yield from _message_sentences(case)
    yield from _end_sentences(case)


def _terms_before(case: Case) -> TermsAcceptance | None:
    """Return the last terms the member agreed to before the payment."""
    return next((row for row in case.terms if row.happened_at <= case.paid_at), None)


def _earlier_sentences(case: Case) -> Iterator[str]:
    earlier = case.earlier
    if not earlier:
        return
    first = min(row.paid_at for row in earlier if row.paid_at)
    count = "one earlier payment" if len(earlier) == 1 else f"{len(earlier)} earlier payments"
    yield (
        f"The same card made {count} to us, the first on {day(first)}, none of which was disputed."
    )


def _use_sentences(case: Case) -> Iterator[str]:
    before = [row for row in case.sign_ins if row.happened_at <= case.paid_at]
    after = [row for row in case.sign_ins if row.happened_at > case.paid_at]
    if before:
        last = before[0]
        yield (
            f"The last sign-in before the payment was on {moment(last.happened_at)} "
            f"from the address {last.ip}."
        )
    if after:
        times = "once" if len(after) == 1 else f"{len(after)} times"
        same = {row.ip for row in before} & {row.ip for row in after}
        also = ", also from an address that was used before it" if same else ""
        yield f"Since the payment the account was signed in to {times}{also}."


def _message_sentences(case: Case) -> Iterator[str]:
    """Describe this very payment's receipt: its key names the cause."""
    cause = case.payment.invoice.stripe_id if case.payment.invoice else case.payment.stripe_id
    key = f"{Kind.PAYMENT_RECEIVED}:{cause}:"
    for row in case.messages:
        if row.dedupe_key.startswith(key) and row.sent_at and row.state != MessageState.FAILED:
            how = "text message" if row.channel == Channel.SMS else "e-mail"
            yield f"The receipt went to {row.recipient} by {how} on {moment(row.sent_at)}."


def _end_sentences(case: Case) -> Iterator[str]:
    yield from _refund_sentences(case)
    subscription = case.payment.invoice.subscription if case.payment.invoice else None
    ends = {row.created_at for row in case.decisions if row.action in ENDS}
    if subscription and subscription.canceled_at and not ends:
        # It was ended in Stripe's dashboard.
        ends.add(subscription.canceled_at)
    if subscription and not any(at <= case.paid_at for at in ends):
        yield "The membership had not been cancelled before the payment."
    for at in sorted(ends):
        yield f"It was cancelled on {moment(at)}."


def _refund_sentences(case: Case) -> Iterator[str]:
    payment = case.payment
    asked = [row for row in case.refunds if row.payment_id == payment.pk]
    for row in asked:
        state = row.get_state_display().lower()
        yield f"A refund of {row.money} was asked for on {day(row.created_at)}; it is {state}."
    if payment.amount_refunded:
        yield f"{money(payment.amount_refunded, payment.currency)} of this payment was refunded."
    elif asked:
        yield "Nothing of this payment was refunded."
    else:
        yield "No refund of this payment was asked for in the portal, and none was made."


def _member(case: Case) -> list[list[str]]:
    user, member = case.user, case.user.member
    since = min((row.started_at for row in case.subscriptions), default=None)
    phone = f"{member.phone}{', verified by a code' if member.phone_is_verified else ''}"
    rows = [
        ("Name", name_of(user)),
        ("E-mail", f"{user.email}{', verified by a code' if case.is_verified else ''}"),
        ("Phone", phone if member.phone else ""),
        ("Account since", moment(user.date_joined)),
        ("Member since", moment(since)),
        ("Terms accepted", _terms_words(case)),
    ]
    return _filled(rows)


def _terms_words(case: Case) -> str:
    terms = _terms_before(case)
    return f"{terms.version}, on {moment(terms.happened_at)}" if terms else ""


def _payment(case: Case) -> list[list[str]]:
    dispute, payment = case.dispute, case.payment
    reason = f"{texts.dispute_reason(dispute.reason)} ({dispute.reason or 'general'}"
    code = f", network code {dispute.network_reason_code})" if dispute.network_reason_code else ")"
    rows = [
        ("Paid", moment(case.paid_at)),
        ("Amount", money(payment.amount, payment.currency)),
        ("Disputed", money(dispute.amount, dispute.currency)),
        ("Refunded", money(payment.amount_refunded, payment.currency)),
        ("For", descriptions.of_one(payment)),
        ("Card", texts.card(payment.card_brand, payment.card_last4)),
        ("Invoice", payment.invoice.number if payment.invoice else ""),
        ("Reason given", reason + code),
        ("Dispute opened", moment(dispute.created_at)),
        ("Answer by", moment(dispute.evidence_due_at)),
        ("References", f"{payment.stripe_id}, {dispute.charge_id}, {dispute.stripe_id}"),
    ]
    return _filled(rows)


def _filled(rows: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [[name, value] for name, value in rows if value]


def _lines(case: Case) -> list[list[str]]:
    invoice = case.payment.invoice
    if invoice is None:
        return []
    lines = [
        [line["description"], money(line["amount"], invoice.currency)] for line in invoice.lines
    ]
    tax = taxes.of_invoice(invoice)
    discount = [("Discount", -invoice.discount)] if invoice.discount else []
    sums = [
        *discount,
        *tax.added,
        ("Total", invoice.total),
        *taxes.included_words(tax.included),
        *texts.invoice_credits(invoice),
    ]
    return [*lines, *([name, money(amount, invoice.currency)] for name, amount in sums)]


def _sections(case: Case) -> Iterator[dict[str, Any]]:
    yield _section(
        "Terms accepted",
        ["Version", "When", "Where", "IP address", "Text"],
        [
            [
                row.version,
                moment(row.happened_at),
                row.get_where_display(),
                row.ip or "",
                row.url,
            ]
            for row in case.terms
        ],
        wide=4,
    )
    yield _section(
        "Earlier payments with the same card, not disputed",
        ["Paid", "For", "Amount"],
        [
            [moment(row.paid_at), descriptions.of_one(row), money(row.amount, row.currency)]
            for row in case.earlier
        ],
        note="payments.csv",
        money_column=True,
        wide=1,
    )
    yield _section(
        "Sign-ins to the account",
        ["When", "IP address", "Browser", "How"],
        [
            [moment(row.happened_at), row.ip, device(row.user_agent), row.method.capitalize()]
            for row in case.sign_ins
        ],
        note="sign-ins.csv",
        wide=2,
    )
    yield _section(
        "Invoices",
        ["Number", "Issued", "Paid", "State", "Total"],
        [
            [
                row.number,
                day(row.finalized_at or row.created_at),
                day(row.paid_at),
                row.get_status_display(),
                money(row.total, row.currency),
            ]
            for row in case.invoices
        ],
        note="invoices.csv",
        money_column=True,
        wide=0,
    )
    yield _section(
        "Messages to the member",
        ["Written", "About", "To", "What became of it"],
        [
            [moment(row.created_at), subject(row), row.recipient, delivery(row)]
            for row in case.messages
        ],
        note="messages.csv",
        wide=1,
    )
    yield _section("Cancellations and refunds", ["When", "What"], list(_changes(case)))


def _changes(case: Case) -> Iterator[list[str]]:
    for row in case.decisions:
        by = "the member" if row.actor_id == case.user.pk else "our staff"
        yield [moment(row.created_at), f"{row.get_action_display()}, by {by}"]
    for refund in case.refunds:
        by = "the member" if refund.origin == RefundOrigin.MEMBER else "our staff"
        words = f"Refund of {refund.money}, begun by {by}: {refund.get_state_display().lower()}"
        yield [moment(refund.created_at), f"{words} (payment of {day(refund.payment.paid_at)})"]


def _section(
    title: str,
    head: list[str],
    rows: list[list[str]],
    *,
    wide: int = 1,
    note: str = "",
    money_column: bool = False,
) -> dict[str, Any]:
    """Return a table: its newest rows, its wide column, and where the other rows are."""
    left_out = len(rows) - MOST_ROWS
    return {
        "title": title,
        "head": head,
        "wide": wide,
        "rows": rows[:MOST_ROWS],
        "note": f"The newest {MOST_ROWS} of {len(rows)}; all are in {note}."
        if left_out > 0
        else "",
        "money_column": money_column,
    }
