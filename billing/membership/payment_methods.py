"""Use cases: a member adds a payment method, chooses the default, removes one, and pays with one.

The default pays everything: it's the customer's at Stripe, and that of each of the customer's
subscriptions that's charged. So there's one answer to "which card pays?".
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core import texts
from billing.core.statuses import Collection, InvoiceStatus, PaymentStatus
from billing.membership import card_activity, checkout
from billing.models import Customer, Invoice, Payment, PaymentMethod, Subscription
from billing.stripe import failures, gateway
from billing.sync import methods, refresh, writing
from common.context import current_brand

logger = logging.getLogger(__name__)

# Its bank wants the owner to confirm: only Stripe's page can ask them.
TO_CONFIRM = frozenset(
    {
        "authentication_required",
        "invoice_payment_intent_requires_action",
        "payment_intent_action_required",
        "subscription_payment_intent_requires_action",
    }
)


class MethodError(Exception):
    """It can't be done with this payment method; the text is for the member."""


class MustConfirm(MethodError):
    """The bank wants the member to confirm the payment, on the invoice's page."""


@dataclass(frozen=True)
class Added:
    """What came of adding a payment method: the method, and whether it's the default now."""

    method: PaymentMethod
    is_default: bool
    paid: Invoice | None = None


def name(method: PaymentMethod | Payment | Subscription) -> str:
    """Return a method's name: "Visa ending in 4242"."""
    return texts.card(method.card_brand, method.card_last4) or _("Payment method")


def charged(user: User) -> list[Subscription]:
    """Return the member's subscriptions that charge a payment method."""
    rows = Subscription.objects.for_user(user).live().select_related("customer")
    return [row for row in rows if not row.is_sent]


def in_use(rows: Sequence[Subscription], payments: Sequence[Payment]) -> dict[str, str]:
    """Return why a payment method is needed, by Stripe's ID."""
    needed = {
        row.method_id: _("It pays for %(what)s. Choose another default first.")
        % {"what": _("your membership") if row.is_membership else row.name}
        for row in rows
        if row.method_id and row.is_renewal_charged
    }
    under_way = {
        one.method_id: _("A payment of %(amount)s with it is under way. Try again once it’s done.")
        % {"amount": one.money}
        for one in payments
    }
    return under_way | needed


def under_way(user: User) -> list[Payment]:
    """Return the member's payments that aren't settled yet."""
    states = [PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION]
    rows = Payment.objects.for_user(user).filter(status__in=states).exclude(method_id="")
    return list(rows)


def make_default(user: User, method: PaymentMethod, request: HttpRequest | None = None) -> None:
    """Let a payment method pay everything that its customer is charged.

    The member's activity says where `request` came from.

    Raises:
        MethodError: it was removed meanwhile, or Stripe couldn't be asked.
    """
    customer, asked_at = method.customer, timezone.now()
    with _in_sentences(method):
        gateway.make_default(customer.stripe_id, method.stripe_id)
        for row in charged(user):
            if row.customer_id == customer.pk and row.method_id != method.stripe_id:
                gateway.use_method(row.stripe_id, method.stripe_id, customer.stripe_id)
                refresh.sync_subscription(row.stripe_id)
        refresh.sync_customer(customer.stripe_id)
        # Subscriptions without a method of their own follow the customer's.
        for row in charged(user):
            if row.customer_id == customer.pk and row.method_id != method.stripe_id:
                refresh.sync_subscription(row.stripe_id)
    card_activity.chosen(user, name(method), asked_at, request)


def remove(user: User, method: PaymentMethod, request: HttpRequest | None = None) -> None:
    """Remove a payment method, and every copy of the same card that's saved for this member.

    The member's activity says where `request` came from.

    Raises:
        MethodError: it's needed, or Stripe couldn't be asked.
    """
    saved = PaymentMethod.objects.for_user(user).select_related("customer")
    same = [one for one in saved if one.same_as == method.same_as]
    for row in charged(user):
        _look_again(row)
    needed = in_use(charged(user), under_way(user))
    why = next((needed[one.stripe_id] for one in same if one.stripe_id in needed), "")
    if why:
        raise MethodError(why)
    with _in_sentences(method):
        for one in same:
            gateway.detach(one.stripe_id)
        card_activity.removed(user, name(method), request)
        for customer_id in sorted({one.customer.stripe_id for one in same}):
            methods.sync_methods(customer_id)
            refresh.sync_customer(customer_id)


def _look_again(row: Subscription) -> None:
    """Read a subscription: another tab, or the dashboard, may have changed what pays it."""
    with _in_sentences():
        refresh.sync_subscription(row.stripe_id)


def start_adding(user: User, invoice: Invoice | None = None) -> str:
    """Return Stripe's page that saves a payment method, for paying an invoice if one is named.

    Raises:
        MethodError: Stripe couldn't be asked.
    """
    here = settings.PORTAL_URL
    back = here + reverse("billing:card-added") + "?session_id={CHECKOUT_SESSION_ID}"
    leave = reverse("home") if invoice else reverse("billing:cards")
    with _in_sentences():
        customer = invoice.customer if invoice else checkout.customer_of(user)
        made = gateway.create_setup(
            customer.stripe_id,
            invoice.currency if invoice else settings.PAYMENT_CURRENCY,
            invoice.stripe_id if invoice else "",
            back,
            here + leave,
        )
    return made.url


def finish_adding(user: User, session_id: str, request: HttpRequest | None = None) -> Added | None:
    """Record what a member saved on Stripe's page; None if nothing was, or it isn't theirs.

    It's the default if it's to pay an invoice, or if there was none. Coming back twice does the
    same once. The member's activity says where `request` came from.

    Raises:
        MustConfirm: the invoice's payment needs the bank's confirmation.
        MethodError: the invoice couldn't be paid with it, or Stripe couldn't be asked.
    """
    with _in_sentences():
        try:
            session = gateway.read_setup(session_id)
        except gateway.StripeMissing:
            return None
        mine = Customer.objects.filter(user=user, stripe_id=session.customer_id).first()
        if mine is None or session.mode != "setup" or not session.method_id:
            return None
        methods.sync_methods(mine.stripe_id)
        customer = refresh.sync_customer(mine.stripe_id)
    saved = PaymentMethod.objects.for_user(user).select_related("customer")
    method = saved.filter(stripe_id=session.method_id).first()
    if method is None:
        return None
    card_activity.added(user, name(method), method.created_at, request)
    invoice = Invoice.objects.for_user(user).filter(stripe_id=session.invoice_id).first()
    is_first = not customer.default_method_id and not any(one.method_id for one in charged(user))
    if is_first or (invoice and customer.default_method_id != method.stripe_id):
        make_default(user, method, request)
        customer.refresh_from_db()
    if invoice:
        invoice = _pay(invoice, method.stripe_id, session_id)
    return Added(method, customer.default_method_id == method.stripe_id, invoice)


def pay_again(invoice: Invoice) -> Invoice:
    """Try once more to charge what pays an invoice's subscription, and return the invoice.

    Two clicks make one attempt.

    Raises:
        MustConfirm: the bank wants the member to confirm.
        MethodError: it was declined, there's nothing to charge, or Stripe couldn't be asked.
    """
    row = invoice.subscription
    if row is None or row.is_sent or not row.method_id:
        raise MethodError(_("There’s no card that we could charge. Please add one."))
    last = Payment.objects.filter(invoice=invoice).order_by("-created_at", "-pk").first()
    attempts = f"{invoice.attempt_count} {last.read_at if last else ''}"
    return _pay(invoice, row.method_id, attempts)


def is_to_pay(invoice: Invoice) -> bool:
    """Whether an invoice failed to be charged, and can be tried again."""
    is_open = invoice.status == InvoiceStatus.OPEN and invoice.amount_remaining > 0
    return is_open and not invoice.is_sent and invoice.collection == Collection.FAILED


def _pay(invoice: Invoice, method_id: str, attempt: str) -> Invoice:
    if not is_to_pay(invoice):
        return invoice
    try:
        gateway.pay_with(invoice.stripe_id, method_id, attempt)
        return _after_payment(invoice)
    except gateway.CardRefused as error:
        _read_invoice(invoice)
        if error.code in TO_CONFIRM:
            raise MustConfirm(str(texts.TO_CONFIRM)) from error
        raise MethodError(texts.failure(error.code, "")) from error
    except failures.NOT_THE_REQUEST as error:
        failures.note(logger, error, "An invoice could not be paid")
        raise MethodError(failures.sentence(error)) from error
    except gateway.StripeError as error:
        logger.info("An invoice can't be paid: %s", error)
        again = _read_invoice(invoice)
        if again and again.status == InvoiceStatus.PAID:
            return again
        raise MethodError(_("This couldn’t be paid with that card. Try another one.")) from error


def _after_payment(invoice: Invoice) -> Invoice:
    """Read a paid invoice and what it's for; else home says it failed until events come."""
    paid = refresh.sync_invoice(invoice.stripe_id)
    try:
        if paid.subscription is not None:
            refresh.sync_subscription(paid.subscription.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "A subscription could not be read after it was paid")
    return paid


def _read_invoice(invoice: Invoice) -> Invoice | None:
    try:
        return refresh.sync_invoice(invoice.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "An invoice could not be read after an attempt to pay it")
        return None


@contextmanager
def _in_sentences(method: PaymentMethod | None = None) -> Iterator[None]:
    """Turn Stripe's errors into sentences; a method that's gone there is gone here."""
    try:
        yield
    except failures.NOT_THE_REQUEST as error:
        failures.note(logger, error, "A payment method could not be changed")
        raise MethodError(failures.sentence(error)) from error
    except (gateway.StripeError, writing.UnknownCustomer) as error:
        logger.info("A payment method can't be changed: %s", error)
        if method is not None:
            _forget_gone(method)
            raise MethodError(_("This card isn’t saved anymore. Nothing changed.")) from error
        raise MethodError(
            _("Something is wrong on our side. Please write to %(support)s.")
            % {"support": current_brand().support_email}
        ) from error


def _forget_gone(method: PaymentMethod) -> None:
    """Read a customer's methods again after Stripe refused one of them."""
    try:
        methods.sync_methods(method.customer.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "Payment methods could not be read again")
