"""Use cases: staff settle an invoice: charge it again, give it up, take it back, or open a draft.

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


def finalize(invoice: Invoice, actor: User) -> Invoice:
    """Open a draft that was kept, so that Stripe charges it, or sends it to be paid.

    Raises:
        PermissionDenied: the actor may not.
        SettleError: it's no such draft by now, or Stripe couldn't be asked or refused.
    """
    return _open(invoice, actor, lambda row: gateway.finalize_invoice(row.stripe_id, collects=True))


def discard(invoice: Invoice, actor: User) -> Invoice:
    """Take back a draft that was kept: it's opened without being collected, then void.

    Stripe deletes no draft of a subscription.

    Raises:
        PermissionDenied: the actor may not.
        SettleError: it's no such draft by now, the member's credit would pay it, or Stripe couldn't
            be asked.
    """

    def take_back(row: Invoice) -> None:
        if not row.total or (row.subscription and -row.subscription.balance >= row.total):
            raise SettleError(
                "As soon as it’s opened, it counts as paid: by the member’s credit, or since it"
                " asks for nothing. So it can’t be taken back here."
            )
        gateway.finalize_invoice(row.stripe_id, collects=False)
        gateway.void_invoice(row.stripe_id)

    return _open(invoice, actor, take_back)


def _open(invoice: Invoice, actor: User, ask: Callable[[Invoice], None]) -> Invoice:
    _require(actor)
    logger.info("User %s opens the draft %s.", actor.pk, invoice.stripe_id)
    try:
        # Somebody may have opened it in Stripe's dashboard.
        now = refresh.sync_invoice(invoice.stripe_id)
        if not now.is_kept_draft:
            raise SettleError("It’s no draft that was kept anymore. Nothing changed.")
        ask(now)
        return refresh.sync_invoice(now.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "A draft could not be opened")
        raise SettleError(failures.sentence(error)) from error


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
