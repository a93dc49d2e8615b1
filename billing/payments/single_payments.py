"""Use case: a member makes a one-time payment besides the membership."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import texts
from billing.core.statuses import Purpose, RequestState
from billing.facts import pay_links, tax_settings, zelle
from billing.membership.checkout import (
    AlreadyPaid,
    CheckoutError,
    Wanted,
    in_sentences,
    key_of,
    page_of,
)
from billing.models import Checkout, Customer, Item, PaymentRequest
from billing.models.locks import lock_member
from billing.stripe import gateway
from billing.stripe.snapshots import CheckoutSnapshot
from common.context import current_brand
from common.money import Money


class Unpayable(StrEnum):
    """Why a payment request can't be paid."""

    PAID = "paid"
    BEING_PAID = "being_paid"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_ON_SALE = "not_on_sale"
    CLOSED = "closed"


SENTENCES: dict[Unpayable, str | Promise] = {
    Unpayable.PAID: gettext_lazy("You’ve already paid this. Thank you."),
    Unpayable.BEING_PAID: gettext_lazy("You just paid this. Your payment is being confirmed."),
    Unpayable.WITHDRAWN: gettext_lazy(
        "This payment request was withdrawn. You don’t owe anything."
    ),
    Unpayable.EXPIRED: gettext_lazy(
        "This payment request has expired. Please write to %(support)s."
    ),
    Unpayable.NOT_ON_SALE: gettext_lazy("This isn’t available anymore."),
    Unpayable.CLOSED: gettext_lazy("This account is closed. You don’t owe anything."),
}


def pay_amount(user: User, amount: int, note: str) -> str:
    """Return the Checkout page for an amount that the member chose, in minor units.

    The currency is PAYMENT_CURRENCY. A new amount replaces one that isn't paid yet.

    Raises:
        AlreadyPaid: the member has just paid, and the payment is being confirmed.
        CheckoutError: the amount is out of range, or Stripe couldn't be asked.
    """
    currency = settings.PAYMENT_CURRENCY
    if not settings.PAYMENT_MINIMUM <= amount <= settings.PAYMENT_MAXIMUM:
        raise CheckoutError(bounds())
    terms = {
        "amount": amount,
        "currency": currency,
        "description": texts.payment_description(note, current_brand().name),
    }
    already = AlreadyPaid(_("You just paid. Your payment is being confirmed."))
    wanted = Wanted(Purpose.AMOUNT, terms, _open_session, already)
    with in_sentences():
        return page_of(user, wanted)


def pay_request(user: User, request_id: int) -> str:
    """Return the Checkout page of one of the member's own payment requests.

    Raises:
        AlreadyPaid: it's paid, or being confirmed.
        CheckoutError: it isn't the member's, was canceled, has expired, or Stripe is down.
    """
    request = PaymentRequest.objects.for_user(user).filter(pk=request_id).first()
    if request is None:
        raise CheckoutError(_("There’s no such payment request."))
    return _page_of_request(request, is_guest=False)


def pay_by_link(request: PaymentRequest) -> str:
    """Return a Checkout page for somebody who has a request's link.

    The page knows nothing of the member, and the payment has no customer at Stripe: it's theirs by
    the checkout in its metadata. It replaces a page that the member has open, and the other way
    round, so that only one can be paid.

    Raises:
        AlreadyPaid: it's paid, or being confirmed.
        CheckoutError: it was canceled, has expired, or Stripe is down.
    """
    return _page_of_request(request, is_guest=True)


def _page_of_request(request: PaymentRequest, *, is_guest: bool) -> str:
    if why := unpayable(request):
        has_paid = why in (Unpayable.PAID, Unpayable.BEING_PAID)
        raise (AlreadyPaid if has_paid else CheckoutError)(_sentence(why))
    terms = {
        "amount": request.amount,
        "currency": request.currency,
        "description": request.description,
        "is_guest": is_guest,
    }
    already = AlreadyPaid(_sentence(Unpayable.BEING_PAID))
    wanted = Wanted(Purpose.REQUEST, terms, _open_session, already, request)
    with in_sentences():
        return page_of(request.user, wanted)


def pay_item(user: User, item_id: int) -> str:
    """Return the Checkout page of an item that's on sale to the member.

    Raises:
        AlreadyPaid: the member has paid for it, or is about to.
        CheckoutError: it isn't on sale to the member, or Stripe is down.
    """
    item = Item.objects.for_user(user).filter(pk=item_id).first()
    if item is None:
        raise CheckoutError(_sentence(Unpayable.NOT_ON_SALE))
    return pay_request(user, request_for(item, user).pk)


@transaction.atomic
def request_for(item: Item, user: User) -> PaymentRequest:
    """Return the member's one request for an item, at today's price unless already sent."""
    terms = {"amount": item.amount, "currency": item.currency, "description": item.name}
    # With two tabs, the second waits here and finds the first one's row.
    lock_member(user.pk)
    rows = PaymentRequest.objects.for_user(user).exclude(state=RequestState.CANCELED)
    if not rows.filter(item=item).exists():
        PaymentRequest.objects.create(user=user, item=item, **terms)
    rows.filter(item=item, state=RequestState.OPEN, sent_at=None).update(**terms)
    return rows.get(item=item)


def why_not_payable(request: PaymentRequest) -> str:
    """Return a sentence that says why a request can't be paid, or "" if it can."""
    why = unpayable(request)
    return _sentence(why) if why else ""


def unpayable(request: PaymentRequest) -> Unpayable | None:
    """Return why a request can't be paid, or None if it can."""
    if not request.user.is_active:
        return Unpayable.CLOSED
    if request.state != RequestState.OPEN:
        is_paid = request.state == RequestState.PAID
        return Unpayable.PAID if is_paid else Unpayable.WITHDRAWN
    if request.is_being_paid or zelle.pays_request(request):
        return Unpayable.BEING_PAID
    if request.has_expired:
        return Unpayable.EXPIRED
    if not request.sent_at and request.item and not _is_on_sale(request.item, request.user):
        return Unpayable.NOT_ON_SALE
    return None


def _sentence(why: Unpayable) -> str:
    return str(SENTENCES[why]) % {"support": current_brand().support_email}


def bounds() -> str:
    """Return the allowed range of amounts, in a sentence."""
    least = Money(settings.PAYMENT_MINIMUM, settings.PAYMENT_CURRENCY)
    most = Money(settings.PAYMENT_MAXIMUM, settings.PAYMENT_CURRENCY)
    return _("Enter an amount from %(least)s to %(most)s.") % {"least": least, "most": most}


def takes_amounts() -> bool:
    """Whether members can pay an amount of their choice."""
    most: int = settings.PAYMENT_MAXIMUM
    return most > 0 and most >= settings.PAYMENT_MINIMUM


def _is_on_sale(item: Item, user: User) -> bool:
    return Item.objects.for_user(user).filter(pk=item.pk).exists()


def _open_session(row: Checkout, customer: Customer) -> CheckoutSnapshot:
    here = settings.PORTAL_URL
    leave = pay_links.path_of(row.request) if row.request else reverse("billing:pay-amount")
    back = f"{leave}result/" if row.is_guest else reverse("billing:payment-result")
    return gateway.create_payment_checkout(
        gateway.SinglePayment(
            key=key_of(row),
            customer_id="" if row.is_guest else customer.stripe_id,
            user_id=customer.user_id,
            checkout_pk=row.pk,
            amount=row.amount or 0,
            currency=row.currency,
            description=row.description,
            tax=tax_settings.single() if row.is_taxed else None,
            success_url=f"{here}{back}?session_id={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{here}{leave}?canceled=1",
        )
    )
