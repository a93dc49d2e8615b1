"""Turns changes that need staff into mails to them."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from billing.core import fraud_texts, texts
from billing.core.statuses import FIRST_INVOICE
from billing.facts import descriptions
from billing.models import Dispute, FailureMail, FraudWarning
from billing.notices import contexts
from billing.notices.transitions import (
    DisputeLost,
    DisputeOpened,
    DisputeUpdated,
    DisputeWon,
    FraudReported,
    InvoicePaymentFailed,
)
from common.links import portal_url
from emails import outbox
from members import languages

DisputeTransition = DisputeOpened | DisputeUpdated | DisputeWon | DisputeLost


# What staff must be able to see to be told about renewals.
SEES_MONEY = "billing.view_subscription"


class Shared(TypedDict):
    """What each mail about a dispute says."""

    amount: str
    member: str
    reason: str
    url: str


def renewal_failed(failed: InvoicePaymentFailed) -> None:
    """Tell staff who want it that a renewal couldn't be charged: the first time, and the last.

    Those in between only repeat it; the morning's email has them all.
    """
    invoice = failed.invoice
    is_first = invoice.attempt_count <= 1
    if invoice.subscription is None or invoice.billing_reason == FIRST_INVOICE:
        return
    if not (is_first or invoice.was_last_try):
        return
    wanted = FailureMail.objects.filter(user__is_active=True, user__is_staff=True)
    for row in wanted.select_related("user__member").order_by("pk"):
        if not row.user.has_perm(SEES_MONEY):
            continue
        # In the colleague's language, rather than the member's.
        with languages.of(row.user):
            _tell_of_renewal(row.user, failed)


def _tell_of_renewal(reader: User, failed: InvoicePaymentFailed) -> None:
    invoice, payment = failed.invoice, failed.payment
    member = invoice.customer.user
    outbox.put(
        reader,
        contexts.RenewalFailed(
            amount=str(invoice.money_remaining),
            member=member.get_full_name() or member.email,
            description=descriptions.of_invoice(invoice, descriptions.product_names([invoice])),
            reason=texts.failure(payment.failure_code, payment.card_brand) if payment else "",
            method=texts.card(payment.card_brand, payment.card_last4) if payment else "",
            next_attempt_on=invoice.next_payment_attempt_at,
            final=invoice.was_last_try,
            url=portal_url("admin:billing_invoice_change", invoice.pk),
        ),
        cause=f"{invoice.stripe_id}:{invoice.attempt_count}:{reader.pk}",
        happened_at=failed.attempted_at,
    )


def fraud_reported(reported: FraudReported) -> None:
    """Tell staff that a card's bank reports a payment as fraud: once, and nobody else."""
    warning = reported.warning
    outbox.put_staff(
        lambda: _reported(warning), cause=warning.stripe_id, happened_at=reported.happened_at
    )


def _reported(warning: FraudWarning) -> contexts.FraudReported:
    payment, user = warning.payment, warning.customer.user
    return contexts.FraudReported(
        meaning=str(fraud_texts.MEANING),
        advice=str(fraud_texts.ADVICE),
        confidential=str(fraud_texts.CONFIDENTIAL),
        amount=str(payment.money_received),
        member=user.get_full_name() or user.email,
        report=fraud_texts.report(warning.fraud_type),
        method=texts.card(payment.card_brand, payment.card_last4),
        paid_on=payment.paid_at,
        url=portal_url("admin:billing_fraudwarning_change", warning.pk),
    )


def announce_dispute(transition: DisputeTransition) -> None:
    """Announce that a dispute is waiting for evidence, or how it ended; nothing in between."""
    dispute = transition.dispute
    if not dispute.is_open:
        _dispute_closed(dispute, transition.happened_at)
    elif dispute.needs_response or isinstance(transition, DisputeOpened):
        _dispute_opened(dispute, transition.happened_at)


def _dispute_opened(dispute: Dispute, happened_at: datetime) -> None:
    """Announced once for each thing the bank wants: an inquiry, a dispute, an appeal."""
    paid_at, due_at = dispute.payment.paid_at, dispute.evidence_due_at
    outbox.put_staff(
        lambda: contexts.DisputeOpened(
            **_shared(dispute),
            headline=_opened(dispute),
            sentence=texts.dispute_state(dispute.status),
            is_inquiry=dispute.is_inquiry,
            is_appeal=_stage(dispute) == "appeal",
            paid_on=paid_at,
            due_on=due_at if due_at and dispute.needs_response else None,
        ),
        cause=f"{dispute.stripe_id}:{_stage(dispute)}",
        happened_at=happened_at,
    )


def _dispute_closed(dispute: Dispute, happened_at: datetime) -> None:
    outbox.put_staff(
        lambda: contexts.DisputeClosed(
            **_shared(dispute),
            headline=texts.dispute_outcome(dispute.status),
            sentence=texts.dispute_state(dispute.status),
            opened_on=dispute.created_at,
        ),
        cause=f"{dispute.stripe_id}:{dispute.status}",
        happened_at=happened_at,
    )


def _shared(dispute: Dispute) -> Shared:
    user = dispute.customer.user
    return {
        "amount": str(dispute.money),
        "member": user.get_full_name() or user.email,
        "reason": texts.dispute_reason(dispute.reason),
        "url": portal_url("admin:billing_dispute_change", dispute.pk),
    }


def _opened(dispute: Dispute) -> str:
    amount = dispute.money
    if dispute.is_inquiry:
        words = _("A bank asks about a payment of %(amount)s")
    elif _stage(dispute) == "appeal":
        words = _("The dispute of %(amount)s goes on")
    else:
        words = _("A payment of %(amount)s is disputed")
    return words % {"amount": amount}


def _stage(dispute: Dispute) -> str:
    if dispute.is_inquiry:
        return "inquiry"
    return "appeal" if dispute.status.startswith("appeal_") else "dispute"
