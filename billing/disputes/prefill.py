"""What we know that a dispute's evidence asks for: the beginning of an answer, to be edited.

A bank reads it, so it's English, and its times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.utils import translation

from billing.core import dispute_evidence
from billing.core.dispute_evidence import TEXTS
from billing.core.statuses import PaymentStatus
from billing.disputes.case import (
    Case,
    day,
    gather,
    moment,
    name_of,
    terms_before_payment,
)
from billing.disputes.narrative import end_sentences, narrative, refund_sentences
from billing.facts import descriptions
from billing.models import Dispute, Payment
from common import countries
from common.context import current_brand
from members.display import device

# A sign-in this long before the payment was the purchase's.
SAME_VISIT = timedelta(hours=24)
MOST_SIGN_INS = 100


def texts(dispute: Dispute) -> dict[str, str]:
    """Return the texts that matter for the reason, as far as we know them."""
    # Whoever opens the page: banks read English.
    with translation.override("en-us"):
        case = gather(dispute)
        known = {
            "uncategorized_text": " ".join(narrative(case)),
            "product_description": _sold(case),
            "customer_name": _name(case),
            "customer_email_address": case.user.email,
            "customer_purchase_ip": _ip(case),
            "billing_address": "\n".join(countries.address_lines(dispute.customer.address)),
            "service_date": _period(case),
            "access_activity_log": _sign_ins(case),
            **_policies(case),
            **_duplicate(case),
        }
    wanted = dispute_evidence.deciding(dispute.reason)
    return {
        name: _cut(known[name], text.longest)
        for name, text in TEXTS.items()
        if known.get(name) and name in wanted
    }


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _name(case: Case) -> str:
    return case.user.get_full_name() or case.dispute.customer.name


def _sold(case: Case) -> str:
    payment = case.payment
    sentences = [f"{descriptions.of_one(payment)}, sold by {current_brand().name}."]
    sentences.append(f"{payment.money} was charged on {day(case.paid_at)}.")
    if payment.membership:
        sentences.append("A membership: it renews until it’s canceled, which is possible online.")
    return " ".join(sentences)


def _ip(case: Case) -> str:
    """Return the address of the sign-in before the payment; a renewal is made from nowhere."""
    since = case.paid_at - SAME_VISIT
    for row in case.sign_ins:
        if since <= row.happened_at <= case.paid_at:
            return row.ip
    terms = terms_before_payment(case)
    return (terms.ip or "") if terms and terms.happened_at >= since else ""


def _period(case: Case) -> str:
    """Return the period that the invoice's lines are for, or the day of the payment."""
    lines = case.payment.invoice.lines if case.payment.invoice else []
    starts = [line["period_start"] for line in lines if line.get("period_start")]
    ends = [line["period_end"] for line in lines if line.get("period_end")]
    if starts and ends and max(ends) > min(starts):
        return f"{day(_at(min(starts)))} to {day(_at(max(ends)))}"
    return day(case.paid_at)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _sign_ins(case: Case) -> str:
    lines = [
        f"{moment(row.happened_at)}: IP address {row.ip}, {device(row.user_agent)}, {row.method}"
        for row in case.sign_ins[:MOST_SIGN_INS]
    ]
    return "\n".join(["Sign-ins to the account, newest first:", *lines]) if lines else ""


def _policies(case: Case) -> dict[str, str]:
    shown = ""
    if terms := terms_before_payment(case):
        where = f" The text is at {terms.url}." if terms.url else ""
        ip = f" from the IP address {terms.ip}" if terms.ip else ""
        shown = (
            f"{name_of(case.user)} accepted our terms (version {terms.version}) on "
            f"{moment(terms.happened_at)}{ip}, before the payment.{where}"
        )
    return {
        "refund_policy_disclosure": shown,
        "cancellation_policy_disclosure": shown,
        "refund_refusal_explanation": " ".join(refund_sentences(case)),
        "cancellation_rebuttal": " ".join(end_sentences(case)),
    }


def _duplicate(case: Case) -> dict[str, str]:
    """Return the payment that it's said to repeat: the nearest one of the same amount."""
    if case.dispute.reason != "duplicate":
        return {}
    other = min(_like(case), key=lambda row: abs(_paid_at(row) - case.paid_at), default=None)
    if other is None:
        return {}
    sentences = (
        f"The payment of {row.money} on {moment(_paid_at(row))} was for "
        f"{descriptions.of_one(row)}{_numbered(row)}."
        for row in (case.payment, other)
    )
    return {
        "duplicate_charge_id": other.charge_id,
        "duplicate_charge_explanation": " ".join(sentences),
    }


def _like(case: Case) -> Iterator[Payment]:
    mine = case.payment
    for row in case.payments:
        is_same = (row.amount, row.currency) == (mine.amount, mine.currency)
        if row.pk != mine.pk and is_same and row.status == PaymentStatus.SUCCEEDED:
            yield row


def _paid_at(row: Payment) -> datetime:
    return row.paid_at or row.created_at


def _numbered(row: Payment) -> str:
    return f" (invoice {row.invoice.number})" if row.invoice and row.invoice.number else ""
