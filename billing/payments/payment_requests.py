"""Use case: staff send a payment request to a member, and can cancel it."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.core.statuses import UNFINISHED_CHECKOUT, CheckoutState, RequestState
from billing.facts import zelle
from billing.membership import checkout
from billing.models import Checkout, ExpectedTransfer, Item, PaymentRequest
from billing.models.locks import lock_member
from billing.notices import payments
from billing.payments import single_payments
from billing.stripe import failures, gateway
from billing.sync import expected
from common.money import Money
from members.models import Member

logger = logging.getLogger(__name__)


class RequestRefused(Exception):
    """The request can't be sent or canceled; the text is for staff."""


def send(user: User, price: Money, description: str, days: int, actor: User) -> PaymentRequest:
    """Ask a member for a payment, by email and, if they agreed, by text.

    The link works for the given number of days.

    Raises:
        RequestRefused: the member can still pay a request with the same amount and words.
    """
    with transaction.atomic():
        # Two clicks wait for each other here.
        Member.objects.select_for_update().get(user=user)
        same = {"amount": price.amount, "currency": price.currency.lower()}
        rows = PaymentRequest.objects.for_user(user).payable()
        if rows.filter(**same, description=description).exists():
            raise RequestRefused(f"{user} was asked for the same already and can still pay.")
        request = PaymentRequest.objects.create(
            user=user,
            amount=price.amount,
            currency=price.currency.lower(),
            description=description,
        )
        return _tell(request, days, actor)


def send_item(item: Item, user: User, days: int, actor: User) -> PaymentRequest:
    """Ask a member to pay for an item at today's price.

    Raises:
        RequestRefused: the member has paid for it, or was asked and can still pay.
    """
    try:
        with transaction.atomic():
            waiting = single_payments.request_for(item, user)
            request = PaymentRequest.objects.select_for_update().get(pk=waiting.pk)
            if request.state != RequestState.OPEN:
                raise RequestRefused(f"{user} has paid this already.")
            if request.sent_at and not request.has_expired:
                raise RequestRefused(f"{user} was asked already and can still pay.")
            return _tell(request, days, actor)
    except IntegrityError as error:
        raise RequestRefused(f"{user} was asked a moment ago.") from error


def cancel(request: PaymentRequest, actor: User) -> None:
    """Cancel a request, and close its payment page.

    Raises:
        RequestRefused: it's already paid or canceled, the member is paying right now, or Stripe
        couldn't be asked; it's then unchanged.
    """
    rows = PaymentRequest.objects.filter(pk=request.pk)
    if zelle.pays_request(request):
        raise RequestRefused("Money for it has arrived by Zelle. See the bank’s money first.")
    with transaction.atomic():
        # From here on nobody can start paying it.
        closed = rows.filter(state=RequestState.OPEN).update(
            state=RequestState.CANCELED, canceled_at=timezone.now()
        )
    if not closed:
        raise RequestRefused("It is paid or canceled already.")
    try:
        _close_checkout(request)
    except (gateway.StripeError, RequestRefused) as error:
        rows.filter(state=RequestState.CANCELED).update(state=RequestState.OPEN, canceled_at=None)
        if isinstance(error, RequestRefused):
            raise
        failures.note(logger, error, "A payment request could not be canceled")
        raise RequestRefused(_still_payable(error)) from error
    with transaction.atomic():
        lock_member(request.user_id)
        awaited = ExpectedTransfer.objects.open().filter(request=request)
        expected.close(awaited, "Its payment request was withdrawn.")
    logger.info("User %s cancels payment request %s.", actor.pk, request.pk)


def _still_payable(error: gateway.StripeError) -> str:
    if isinstance(error, gateway.StripeUnavailable):
        return "Stripe did not answer. It can still be paid: try again."
    return f"It could not be withdrawn at Stripe and can still be paid. {error}"


def _close_checkout(request: PaymentRequest) -> None:
    """Close a request's unfinished checkout, unless the member has just paid there."""
    with transaction.atomic():
        lock_member(request.user_id)
        rows = Checkout.objects.filter(request=request, state__in=UNFINISHED_CHECKOUT)
        # A session that's just being made finds its row gone, and is ended at Stripe.
        rows.filter(session_id="").update(state=CheckoutState.EXPIRED)
        row = rows.first()
    if row:
        checkout.close(row, RequestRefused("The member has just paid it."))


def _tell(request: PaymentRequest, days: int, actor: User) -> PaymentRequest:
    request.sent_at = timezone.now()
    request.expires_at = request.sent_at + timedelta(days=days)
    request.created_by = actor
    request.save(update_fields=["sent_at", "expires_at", "created_by"])
    payments.ask_for_payment(request)
    return request
