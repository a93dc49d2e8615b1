"""The document for the bank about a disputed payment, in the order a bank reads it.

This module writes its texts and tables; the document only typesets them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from billing.core import texts
from billing.core.statuses import RefundOrigin
from billing.disputes.case import (
    Case,
    day,
    delivery,
    moment,
    name_of,
    subject,
    terms_before_payment,
)
from billing.disputes.narrative import narrative
from billing.facts import descriptions, taxes
from common.money import Money
from members.display import device

# The document's tables show this many of the newest rows; the files next to it have all.
MOST_ROWS = 40


def content(case: Case) -> dict[str, Any]:
    """Return the content of `templates/documents/evidence.typ`."""
    return {
        "title": f"Payment of {case.payment.money} on {day(case.paid_at)}",
        "narrative": list(narrative(case)),
        "member": _member(case),
        "payment": _payment(case),
        "lines": _lines(case),
        "sections": [section for section in _sections(case) if section["rows"]],
    }


def _member(case: Case) -> list[list[str]]:
    user, member = case.user, case.user.member
    since = min((row.started_at for row in case.subscriptions), default=None)
    phone = f"{member.phone}{', verified with a code' if member.phone_is_verified else ''}"
    rows = [
        ("Name", name_of(user)),
        ("Email", f"{user.email}{', verified with a code' if case.is_verified else ''}"),
        ("Phone", phone if member.phone else ""),
        ("Account since", moment(user.date_joined)),
        ("Member since", moment(since)),
        ("Terms accepted", _terms_words(case)),
    ]
    return _filled(rows)


def _terms_words(case: Case) -> str:
    terms = terms_before_payment(case)
    return f"{terms.version}, on {moment(terms.happened_at)}" if terms else ""


def _payment(case: Case) -> list[list[str]]:
    dispute, payment = case.dispute, case.payment
    reason = f"{texts.dispute_reason(dispute.reason)} ({dispute.reason or 'general'}"
    code = f", network code {dispute.network_reason_code})" if dispute.network_reason_code else ")"
    rows = [
        ("Paid", moment(case.paid_at)),
        ("Amount", str(payment.money)),
        ("Disputed", str(dispute.money)),
        ("Refunded", str(payment.money_refunded)),
        ("For", descriptions.of_one(payment)),
        ("Card", texts.card(payment.card_brand, payment.card_last4)),
        ("Invoice", payment.invoice.number if payment.invoice else ""),
        ("Dispute reason", reason + code),
        ("Dispute opened", moment(dispute.created_at)),
        ("Response due", moment(dispute.evidence_due_at)),
        ("References", f"{payment.stripe_id}, {dispute.charge_id}, {dispute.stripe_id}"),
    ]
    return _filled(rows)


def _filled(rows: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [[name, value] for name, value in rows if value]


def _lines(case: Case) -> list[list[str]]:
    invoice = case.payment.invoice
    if invoice is None:
        return []
    lines = [(line["description"], line["amount"]) for line in invoice.lines]
    tax = taxes.of_invoice(invoice)
    discount = [("Discount", -invoice.discount)] if invoice.discount else []
    sums = [
        *discount,
        *tax.added,
        ("Total", invoice.total),
        *taxes.included_words(tax.included),
        *texts.invoice_credits(invoice),
    ]
    return [[name, str(Money(amount, invoice.currency))] for name, amount in [*lines, *sums]]


def _sections(case: Case) -> Iterator[dict[str, Any]]:
    yield _terms_section(case)
    yield _earlier_payments_section(case)
    yield _sign_ins_section(case)
    yield _invoices_section(case)
    yield _messages_section(case)
    yield _section("Cancellations and refunds", ["When", "What happened"], list(_changes(case)))


def _terms_section(case: Case) -> dict[str, Any]:
    rows = [
        [row.version, moment(row.happened_at), row.get_where_display(), row.ip or "", row.url]
        for row in case.terms
    ]
    head = ["Version", "When", "Where", "IP address", "Text"]
    return _section("Terms accepted", head, rows, wide=4)


def _earlier_payments_section(case: Case) -> dict[str, Any]:
    return _section(
        "Earlier undisputed payments with the same card",
        ["Paid", "For", "Amount"],
        [[moment(row.paid_at), descriptions.of_one(row), str(row.money)] for row in case.earlier],
        note="payments.csv",
        money_column=True,
    )


def _sign_ins_section(case: Case) -> dict[str, Any]:
    rows = [
        [moment(row.happened_at), row.ip, device(row.user_agent), row.method.capitalize()]
        for row in case.sign_ins
    ]
    head = ["When", "IP address", "Browser", "How"]
    return _section("Sign-ins to the account", head, rows, note="sign-ins.csv", wide=2)


def _invoices_section(case: Case) -> dict[str, Any]:
    return _section(
        "Invoices",
        ["Number", "Issued", "Paid", "State", "Total"],
        [
            [
                row.number,
                day(row.finalized_at or row.created_at),
                day(row.paid_at),
                row.get_status_display(),
                str(row.money),
            ]
            for row in case.invoices
        ],
        note="invoices.csv",
        money_column=True,
        wide=0,
    )


def _messages_section(case: Case) -> dict[str, Any]:
    rows = [
        [moment(row.created_at), subject(row), row.recipient, delivery(row)]
        for row in case.messages
    ]
    head = ["Created", "Subject", "To", "Delivery"]
    return _section("Messages to the member", head, rows, note="messages.csv")


def _changes(case: Case) -> Iterator[list[str]]:
    for row in case.decisions:
        by = "the member" if row.actor_id == case.user.pk else "our staff"
        yield [moment(row.created_at), f"{row.get_action_display()}, by {by}"]
    for refund in case.refunds:
        by = "the member" if refund.origin == RefundOrigin.MEMBER else "our staff"
        words = f"Refund of {refund.money}, started by {by}: {refund.get_state_display().lower()}"
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
