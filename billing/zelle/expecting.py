"""Use cases: a member starts a payment by Zelle, says that it's sent, or cancels it.

Two tabs or clicks get the same row with the same reference. Another amount replaces a row for which
nothing was sent; money that still comes with the old reference is matched by staff.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import rhythms, texts
from billing.core.bank_statuses import (
    EXPECTED_OPEN,
    AllocationState,
    ExpectedState,
    ZellePurpose,
)
from billing.facts import memberships, zelle
from billing.membership import checkout
from billing.models import (
    Allocation,
    ExpectedTransfer,
    Invoice,
    Item,
    PaymentRequest,
    Plan,
    TaxAccount,
    ZelleTerms,
)
from billing.models.bank import NAME
from billing.models.locks import lock_member
from billing.payments import single_payments
from billing.sync import catalog, expected
from billing.sync.expected import Wanted, ZelleError
from billing.zelle import notices
from common.context import current_brand
from common.one_by_one import OneByOne

__all__ = [
    "ZelleError",
    "cancel",
    "expire",
    "for_invoice",
    "remind",
    "say_not_sent",
    "say_sent",
    "start_amount",
    "start_invoice",
    "start_item",
    "start_membership",
    "start_request",
]

logger = logging.getLogger(__name__)

NOT_TAKEN = gettext_lazy("We don’t take Zelle for this right now. You can pay by card.")
GONE = gettext_lazy("We couldn’t find this payment.")
CANCELED_BY_MEMBER = "The member canceled it."
# Zelle's own word for how long a payment can take is three business days; a weekend may be between.
ARRIVES_WITHIN = timedelta(days=5)
REMINDED_BEFORE = timedelta(days=2)
# A cent keeps no payment, and its price, open for ever.
DECIDED_WITHIN = timedelta(days=14)
# Who started a payment a moment ago needs no reminder.
TOO_FRESH = timedelta(days=1)


@transaction.atomic
def start_amount(user: User, amount: int, note: str) -> ExpectedTransfer:
    """Return the member's open payment of an amount that they chose (cents).

    Raises:
        ZelleError: it isn't taken by Zelle, or an earlier payment is on its way.
    """
    lock_member(user.pk)
    known = _terms_for(ZellePurpose.AMOUNT, amount, settings.PAYMENT_CURRENCY)
    return _started(
        Wanted(
            user=user,
            purpose=ZellePurpose.AMOUNT,
            amount=amount,
            description=texts.payment_description(note, current_brand().name),
            expires_at=_end(known),
        )
    )


@transaction.atomic
def start_request(user: User, request_pk: int) -> ExpectedTransfer:
    """Return the open payment for one of the member's own payment requests.

    An unfinished visit to Stripe Checkout stays: whichever is paid first counts.

    Raises:
        ZelleError: it can't be paid, or not by Zelle.
    """
    lock_member(user.pk)
    request = PaymentRequest.objects.for_user(user).filter(pk=request_pk).first()
    if request is None:
        raise ZelleError(_("We couldn’t find this payment request."))
    started = ExpectedTransfer.objects.open().filter(request=request).first()
    if started and started.amount == request.amount:
        return started
    if why := single_payments.why_not_payable(request):
        raise ZelleError(why)
    known = _terms_for(ZellePurpose.REQUEST, request.amount, request.currency)
    return _started(
        Wanted(
            user=user,
            purpose=ZellePurpose.REQUEST,
            amount=request.amount,
            description=request.description,
            expires_at=_end(known),
            request=request,
        )
    )


def start_item(user: User, item_pk: int) -> ExpectedTransfer:
    """Return the open payment for an item that's on sale to the member.

    Raises:
        ZelleError: it isn't on sale to them, or not for Zelle.
    """
    item = Item.objects.for_user(user).filter(pk=item_pk).first()
    if item is None:
        raise ZelleError(_("This isn’t for sale anymore."))
    _terms_for(ZellePurpose.REQUEST, item.amount, item.currency)
    return start_request(user, single_payments.request_for(item, user).pk)


def start_membership(user: User, price_id: str) -> ExpectedTransfer:
    """Return the open payment for a membership's first period, at one of the prices for Zelle.

    Raises:
        ZelleError: they're a member, the price isn't on sale, or Stripe couldn't be asked.
    """
    with _in_zelles_words():
        plan = _plan(price_id)
        checkout.refuse_if_member(user)
    with transaction.atomic():
        lock_member(user.pk)
        if memberships.live(user):
            raise ZelleError(checkout.MEMBER_ALREADY)
        return _started(
            Wanted(
                user=user,
                purpose=ZellePurpose.MEMBERSHIP,
                amount=plan.amount,
                description=rhythms.one_period(plan.name, plan.interval, plan.interval_count),
                expires_at=_end(zelle.terms()),
                price_id=plan.stripe_id,
            )
        )


@transaction.atomic
def start_invoice(user: User, invoice_pk: int) -> ExpectedTransfer:
    """Return the open payment for one of the member's own invoices, and tell them how to pay it.

    Raises:
        ZelleError: it isn't open, or can't be paid by Zelle.
    """
    lock_member(user.pk)
    rows = Invoice.objects.for_user(user).select_related("customer__user", "subscription")
    invoice = rows.filter(pk=invoice_pk).first()
    if invoice is None:
        raise ZelleError(_("We couldn’t find this invoice."))
    row, is_new = expected.for_invoice(invoice)
    if is_new:
        notices.started(row)
    return row


@transaction.atomic
def for_invoice(invoice: Invoice) -> ExpectedTransfer:
    """Return the open payment for what an invoice still asks for. The invoice tells of it.

    Raises:
        ZelleError: it isn't open, or can't be paid by Zelle.
    """
    lock_member(invoice.customer.user_id)
    return expected.for_invoice(invoice)[0]


@transaction.atomic
def say_sent(user: User, pk: int, payer_name: str) -> ExpectedTransfer:
    """Note that the member has sent it, and from whose account.

    Raises:
        ZelleError: it isn't awaited anymore.
    """
    row = _locked(user, pk)
    if not row.is_open:
        raise ZelleError(_over(row))
    row.payer_name = " ".join(payer_name.split())[:NAME]
    row.said_sent_at = row.said_sent_at or timezone.now()
    row.save(update_fields=["payer_name", "said_sent_at"])
    return row


@transaction.atomic
def say_not_sent(user: User, pk: int) -> ExpectedTransfer:
    """Take back that it was sent.

    Raises:
        ZelleError: it isn't awaited anymore, or the money is here.
    """
    row = _locked(user, pk)
    if not row.is_open:
        raise ZelleError(_over(row))
    if zelle.money_is_here(row):
        raise ZelleError(_("Your payment has already reached our bank."))
    row.said_sent_at = None
    row.save(update_fields=["said_sent_at"])
    return row


@transaction.atomic
def cancel(user: User, pk: int) -> ExpectedTransfer:
    """Cancel a payment that hasn't been sent.

    Raises:
        ZelleError: it was sent, has arrived, or is over.
    """
    row = _locked(user, pk)
    if not row.is_open:
        raise ZelleError(_over(row))
    if row.said_sent_at or zelle.money_is_here(row):
        raise ZelleError(
            _("You’ve sent this payment, so it can’t be canceled here. Please email %(support)s.")
            % {"support": current_brand().support_email}
        )
    expected.close([row], CANCELED_BY_MEMBER)
    return row


def expire() -> None:
    """Expire payments past their date that nothing has come for, and tell their members.

    Raises:
        SomeFailed: all others were expired.
    """
    run, now = OneByOne(), timezone.now()
    for pk, user_pk in _untouched(now).values_list("pk", "user"):
        with run.each(f"Zelle payment {pk}"), transaction.atomic():
            lock_member(user_pk)
            row = _untouched(now).filter(pk=pk).first()
            if row and not _waits_for_staff(row, now):
                expected.close([row], "It expired.", ExpectedState.EXPIRED)
                notices.expired(row)
    run.finish()


def remind() -> None:
    """Remind members of payments that they started and haven't made, once, before they expire.

    Invoices have reminders of their own, which name Zelle.

    Raises:
        SomeFailed: all others were reminded.
    """
    run, now = OneByOne(), timezone.now()
    for pk, user_pk in _to_remind(now).values_list("pk", "user"):
        with run.each(f"Zelle payment {pk}"), transaction.atomic():
            lock_member(user_pk)
            row = _to_remind(now).filter(pk=pk).first()
            if row and _is_still_taken(row) and not zelle.is_named_by_money(row):
                row.reminded_at = now
                row.save(update_fields=["reminded_at"])
                notices.remind(row)
    run.finish()


def _untouched(now: datetime) -> QuerySet[ExpectedTransfer]:
    """Return what's past its date, without any money, and not said to be on its way."""
    rows = _without_money().filter(state=ExpectedState.WAITING, expires_at__lte=now)
    # Who says it again and again doesn't keep a payment, and its price, open.
    soonest = now - ARRIVES_WITHIN
    on_its_way = rows.filter(said_sent_at__gt=soonest, expires_at__gt=soonest)
    return rows.exclude(pk__in=on_its_way.values("pk"))


def _to_remind(now: datetime) -> QuerySet[ExpectedTransfer]:
    rows = _without_money().filter(
        state=ExpectedState.WAITING,
        said_sent_at=None,
        reminded_at=None,
        created_at__lt=now - TOO_FRESH,
        expires_at__range=(now, now + REMINDED_BEFORE),
    )
    return rows.exclude(purpose=ZellePurpose.INVOICE)


def _waits_for_staff(row: ExpectedTransfer, now: datetime) -> bool:
    """Whether money of another amount names it, which staff have yet to decide on."""
    is_late = row.expires_at is not None and row.expires_at < now - DECIDED_WITHIN
    return not is_late and zelle.is_named_by_money(row)


def _without_money() -> QuerySet[ExpectedTransfer]:
    told = Allocation.objects.exclude(state=AllocationState.UNDONE)
    return ExpectedTransfer.objects.select_related("user__member").exclude(
        pk__in=told.filter(expected__state__in=sorted(EXPECTED_OPEN)).values("expected")
    )


def _is_still_taken(row: ExpectedTransfer) -> bool:
    return zelle.takes(ZellePurpose(row.purpose), row.amount, row.currency)


def _started(wanted: Wanted) -> ExpectedTransfer:
    row, is_new = expected.open_row(wanted)
    if is_new:
        notices.started(row)
    return row


def _terms_for(purpose: ZellePurpose, amount: int, currency: str) -> ZelleTerms:
    """Return the terms.

    Raises:
        ZelleError: they don't take this.
    """
    known = zelle.terms()
    if not zelle.takes(purpose, currency=currency, known=known):
        raise ZelleError(NOT_TAKEN)
    if not zelle.takes(purpose, amount, currency, known=known):
        raise ZelleError(zelle.bounds(known))
    return known


def _end(known: ZelleTerms) -> datetime:
    return timezone.now() + timedelta(days=known.days_to_pay)


def _plan(price_id: str) -> Plan:
    """Return one of the prices for Zelle; read it from Stripe if it's new."""
    if price_id not in zelle.price_ids():
        raise ZelleError(_("This price isn’t available anymore. Please choose again."))
    plan = Plan.objects.filter(stripe_id=price_id).first() or catalog.sync_plan(price_id)
    account = TaxAccount.objects.first()
    if not zelle.on_sale([plan], account.behavior if account else ""):
        raise ZelleError(NOT_TAKEN)
    return plan


@contextmanager
def _in_zelles_words() -> Iterator[None]:
    """Turn the errors of joining into this module's.

    Raises:
        ZelleError: instead of those.
    """
    try:
        with checkout.in_sentences():
            yield
    except checkout.CheckoutError as error:
        raise ZelleError(str(error)) from error


def _locked(user: User, pk: int) -> ExpectedTransfer:
    """Lock the member, and read one of their own payments.

    Raises:
        ZelleError: it isn't theirs.
    """
    lock_member(user.pk)
    row = ExpectedTransfer.objects.for_user(user).filter(pk=pk).first()
    if row is None:
        raise ZelleError(GONE)
    return row


def _over(row: ExpectedTransfer) -> str:
    if row.state == ExpectedState.CONFIRMED:
        return _("We’ve received this payment. Thank you.")
    return _("We’re no longer waiting for this payment. Questions? Email %(support)s.") % {
        "support": current_brand().support_email
    }
