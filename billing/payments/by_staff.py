"""Use cases: staff settle an open invoice: charge it again, give it up, or take it back.

Stripe's answer is read into our row right away; what follows from it follows as from any event.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from billing.core.statuses import InvoiceStatus
from billing.membership import payment_methods
from billing.membership.payment_methods import MethodError, MustConfirm
from billing.models import Invoice
from billing.stripe import failures, gateway
from billing.sync import refresh
from members import access_changes

logger = logging.getLogger(__name__)

MAY_SETTLE = "billing.change_invoice"


class SettleError(Exception):
    """The invoice can't be settled this way; the text is for staff."""


def charge_again(invoice: Invoice, actor: User) -> Invoice:
    """Charge the membership's card for an invoice once more, and return the invoice as it is then.

    Two clicks make one attempt.

    Raises:
        PermissionDenied: the actor may not.
        SettleError: it can't be charged, or the bank refused.
    """
    _require(actor)
    if not payment_methods.is_to_pay(invoice):
        raise SettleError("It can’t be charged now: it’s paid, being paid, or sent to be paid.")
    logger.info("User %s charges %s again.", actor.pk, invoice.stripe_id)
    try:
        return payment_methods.pay_again(invoice)
    except MustConfirm as error:
        raise SettleError("The bank wants the member to confirm this payment.") from error
    except MethodError as error:
        raise SettleError(str(error)) from error


def void(invoice: Invoice, actor: User) -> Invoice:
    """Take back an open or given-up invoice: it's owed no longer.

    Raises:
        PermissionDenied: the actor may not.
        SettleError: it's paid or being paid, or Stripe couldn't be asked.
    """
    return _close(invoice, actor, gateway.void_invoice, InvoiceStatus.VOID)


def give_up(invoice: Invoice, actor: User) -> Invoice:
    """Mark an open invoice as uncollectible: it stays owed, and nothing more is tried.

    Raises:
        PermissionDenied: the actor may not.
        SettleError: it's paid or being paid, or Stripe couldn't be asked.
    """
    return _close(invoice, actor, gateway.give_up_invoice, InvoiceStatus.UNCOLLECTIBLE)


def can_be_closed(row: Invoice) -> bool:
    """Whether an invoice asks for money that nobody is paying right now."""
    return row.is_payable and not row.is_being_paid


def _close(
    invoice: Invoice, actor: User, ask: Callable[[str], None], wanted: InvoiceStatus
) -> Invoice:
    _require(actor)
    logger.info("User %s closes %s as %s.", actor.pk, invoice.stripe_id, wanted)
    try:
        # Our row may be older than a payment.
        now = refresh.sync_invoice(invoice.stripe_id)
        if now.status == wanted:
            return now
        if not can_be_closed(now):
            raise SettleError("It’s paid, being paid, or closed already. Nothing changed.")
        ask(now.stripe_id)
        return refresh.sync_invoice(now.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "An invoice could not be closed")
        raise SettleError(failures.sentence(error)) from error


def _require(actor: User) -> None:
    if not actor.has_perm(MAY_SETTLE):
        raise PermissionDenied("Settling an invoice takes a permission.")
    try:
        with transaction.atomic():
            access_changes.require_not_on_hold(actor)
    except access_changes.OnHold as hold:
        raise SettleError(str(hold)) from hold
