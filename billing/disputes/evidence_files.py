"""The evidence packet: a ZIP with the document for the bank, and each record as a file."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils import translation

from billing.core import texts
from billing.disputes import evidence
from billing.disputes.case import Case, delivery, gather, moment, subject
from billing.facts import descriptions
from billing.models import Dispute, Invoice
from common import documents, spreadsheets
from emails import reading
from emails.models import Message

READ_ME = """This is the evidence about one disputed payment.

evidence.pdf    what the bank reads: the answer on the staff site has it attached
the rest        the records it is made from, in full, should the bank ask for one of them

Read the document before you send it: it holds personal data of the member, meant for their bank
alone. All times are UTC.
"""
NOT_KEPT = "The text of this message is not kept.\n"


def filename(dispute: Dispute) -> str:
    """Return the packet's file name: ASCII, without the member's name."""
    return f"evidence-{re.sub(r'[^A-Za-z0-9_-]', '', dispute.stripe_id)}.zip"


def packet(dispute: Dispute, made_at: datetime) -> bytes:
    """Return a dispute's ZIP: `evidence.pdf` and the files behind it."""
    # Whoever downloads it: banks read English.
    with translation.override("en-us"):
        return _packed(gather(dispute), made_at)


def _packed(case: Case, made_at: datetime) -> bytes:
    document = documents.render("evidence", evidence.content(case), made_at=made_at)
    files: dict[str, str | bytes] = {
        "evidence.pdf": document,
        "README.txt": READ_ME,
        **_tables(case),
        "invoices.json": _json([_invoice(row) for row in case.invoices]),
        **{f"messages/{_name(row)}.txt": _text(row) for row in case.messages},
    }
    return _zipped(files, made_at)


def _zipped(files: dict[str, str | bytes], made_at: datetime) -> bytes:
    buffer = io.BytesIO()
    at = made_at.timetuple()[:6]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, at)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def _tables(case: Case) -> dict[str, str]:
    return {
        "invoices.csv": _invoices(case),
        "payments.csv": _payments(case),
        "refunds.csv": _refunds(case),
        "sign-ins.csv": _sign_ins(case),
        "messages.csv": _messages(case),
        "terms.csv": _terms(case),
    }


def _invoices(case: Case) -> str:
    return _csv(
        ["number", "issued", "paid", "status", "total", "paid amount", "currency"],
        (
            [
                row.number,
                moment(row.finalized_at or row.created_at),
                moment(row.paid_at),
                row.status,
                str(row.money),
                str(row.money_paid),
                row.currency.upper(),
            ]
            for row in case.invoices
        ),
    )


def _payments(case: Case) -> str:
    return _csv(
        ["made", "paid", "for", "status", "amount", "refunded", "card", "payment"],
        (
            [
                moment(row.created_at),
                moment(row.paid_at),
                descriptions.of_one(row),
                row.status,
                str(row.money),
                str(row.money_refunded),
                texts.card_short(row.card_brand, row.card_last4),
                row.stripe_id,
            ]
            for row in case.payments
        ),
    )


def _refunds(case: Case) -> str:
    return _csv(
        ["begun", "by", "amount", "state", "decided", "arrived", "payment"],
        (
            [
                moment(row.created_at),
                row.origin,
                str(row.money),
                row.state,
                moment(row.decided_at),
                moment(row.succeeded_at),
                row.payment.stripe_id,
            ]
            for row in case.refunds
        ),
    )


def _sign_ins(case: Case) -> str:
    return _csv(
        ["when", "ip address", "browser", "how"],
        ([moment(row.happened_at), row.ip, row.user_agent, row.method] for row in case.sign_ins),
    )


def _messages(case: Case) -> str:
    return _csv(
        ["written", "about", "channel", "to", "state", "provider's id"],
        (
            [
                moment(row.created_at),
                subject(row),
                row.get_channel_display(),
                row.recipient,
                delivery(row),
                row.provider_id,
            ]
            for row in case.messages
        ),
    )


def _terms(case: Case) -> str:
    rows = (
        [row.version, moment(row.happened_at), row.where, row.ip or "", row.url]
        for row in case.terms
    )
    return _csv(["version", "when", "where", "ip address", "text"], rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for spreadsheets, without cells that could be formulas."""
    return "".join(spreadsheets.lines(head, rows))


def _invoice(row: Invoice) -> dict[str, Any]:
    return {
        "number": row.number,
        "id": row.stripe_id,
        "status": row.status,
        "currency": row.currency,
        "issued": (row.finalized_at or row.created_at).isoformat(),
        "paid": row.paid_at.isoformat() if row.paid_at else None,
        "lines": row.lines,
        "subtotal": row.subtotal,
        "discount": row.discount,
        "tax_added": row.tax_added,
        "tax_included": row.tax_included,
        "total": row.total,
        "amount_paid": row.amount_paid,
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _name(message: Message) -> str:
    return f"{message.created_at:%Y-%m-%d}-{message.pk}-{message.kind}-{message.channel}"


def _text(message: Message) -> str:
    """Return a message as the member read it; one that held a code no longer has a text."""
    head = (
        f"To: {message.recipient}\nBy: {message.get_channel_display()}\n"
        f"Written: {moment(message.created_at)}\nState: {delivery(message)}\n"
        f"About: {subject(message)}\n\n"
    )
    return head + (reading.text_of(message) or NOT_KEPT)
