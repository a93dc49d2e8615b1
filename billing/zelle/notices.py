"""Messages about payments by Zelle. Each goes into the outbox in the caller's transaction."""

from __future__ import annotations

from django.utils import timezone

from billing.core.bank_statuses import AllocationState, ZellePurpose
from billing.facts import zelle
from billing.models import ExpectedTransfer
from billing.zelle import contexts
from common.links import portal_url
from common.money import Money
from emails import combining, outbox
from emails.catalog import Kind


def started(expected: ExpectedTransfer) -> None:
    """Say how to pay: how much, to whom, and with which memo."""
    outbox.put(
        expected.user,
        contexts.ZelleStarted(**_to_send(expected)),
        cause=_cause(expected),
        happened_at=expected.created_at,
        good_until=expected.expires_at,
    )


def announced(expected: ExpectedTransfer) -> None:
    """Say nothing: its page turns by itself, and the receipt follows within a day."""


def remind(expected: ExpectedTransfer) -> None:
    """Remind a member of a payment that they started and haven't made."""
    outbox.put(
        expected.user,
        contexts.ZelleReminder(**_to_send(expected)),
        cause=_cause(expected),
        happened_at=timezone.now(),
        good_until=expected.expires_at,
    )


def received(expected: ExpectedTransfer) -> None:
    """Send the receipt. What it's booked as at Stripe gets none of its own.

    What a membership begins with waits for the welcome, which follows once it's booked.
    """
    at, user, invoice = expected.confirmed_at or timezone.now(), expected.user, expected.invoice
    begins, cause = expected.purpose == ZellePurpose.MEMBERSHIP, zelle.receipt_cause(expected)
    receipt = contexts.ZelleReceived(
        name=user.first_name,
        amount=str(expected.money),
        description=expected.description,
        reference=zelle.shown(expected),
        invoice_number=invoice.number if invoice else "",
        begins=begins,
        received_on=at,
        receipt_url=portal_url("billing:zelle-receipt", expected.pk),
        url=_url(expected),
    )
    if not begins:
        outbox.put(user, receipt, cause=cause, happened_at=at)
        return
    welcome = combining.Other(Kind.WELCOME, "", Kind.ZELLE_JOINED, cause, is_coming=True)
    combining.put(user, receipt, cause=cause, happened_at=at, other=welcome)


def partly_received(expected: ExpectedTransfer) -> None:
    """Ask for the rest."""
    got = expected.received()
    user = expected.user
    outbox.put(
        user,
        contexts.ZellePartReceived(
            name=user.first_name,
            amount=str(Money(got, expected.currency)),
            total=str(expected.money),
            missing=str(Money(expected.amount - got, expected.currency)),
            description=expected.description,
            reference=zelle.shown(expected),
            **_payee(),
            url=_url(expected),
        ),
        cause=_cause(expected, f"{got}:{_undone_parts(expected)}"),
        happened_at=timezone.now(),
    )


def expired(expected: ExpectedTransfer) -> None:
    """Say that nothing more is awaited, and what to do if it was sent after all."""
    user = expected.user
    outbox.put(
        user,
        contexts.ZelleExpired(
            name=user.first_name,
            amount=str(expected.money),
            description=expected.description,
            reference=zelle.shown(expected),
            is_invoice=expected.purpose == ZellePurpose.INVOICE,
            said_sent=expected.said_sent_at is not None,
            url=_url(expected),
        ),
        cause=_cause(expected),
        happened_at=expected.closed_at or timezone.now(),
    )


def undone(expected: ExpectedTransfer) -> None:
    """Say that money was counted for it by mistake, and what's open now."""
    user, missing = expected.user, expected.amount - expected.received()
    outbox.put(
        user,
        contexts.ZelleUndone(
            name=user.first_name,
            missing=str(Money(missing, expected.currency)),
            total=str(expected.money),
            description=expected.description,
            is_open=expected.is_open,
            url=_url(expected),
        ),
        cause=_cause(expected, str(_undone_parts(expected))),
        happened_at=timezone.now(),
    )


def _to_send(expected: ExpectedTransfer) -> contexts.Sending:
    return {
        "name": expected.user.first_name,
        "amount": str(expected.money),
        "description": expected.description,
        "reference": zelle.shown(expected),
        **_payee(),
        "until": expected.expires_at,
        "url": _url(expected),
    }


def _payee() -> contexts.Payee:
    known = zelle.terms()
    return {"to_name": known.name, "to_address": known.address}


def _undone_parts(expected: ExpectedTransfer) -> int:
    """Return how often money was taken back from it, which makes the same sum news again."""
    return expected.allocations.filter(state=AllocationState.UNDONE).count()


def _cause(expected: ExpectedTransfer, step: str = "") -> str:
    return f"zelle{expected.pk}" + (f":{step}" if step else "")


def _url(expected: ExpectedTransfer) -> str:
    return portal_url("billing:zelle", expected.pk)
